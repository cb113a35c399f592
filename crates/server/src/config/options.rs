//! The table of options. A row here is the only place where an option is defined: the struct's
//! field, its default, its bounds, TOML key, environment variable, flag, example and reference
//! all come from it.

use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use madang_domain::Role;

use super::address::AddressRange;
use super::allowed::{
    ADDRESS, ADDRESS_RANGE, ANY_TEXT, COOKIE, DIRECTORY, FILE, GUEST_KEY, HTTP_URL, JWKS_URL,
    LOG_FILTER, NODE_ROLE, NOT_EMPTY, OPTIONAL_ADDRESS, ORIGIN, PICTURE_PLACE, PREFIX,
    PREFIX_OR_NONE, ROLE, TIME_ZONE, TOPIC_PREFIX,
};
use super::picture_place::PicturePlace;
use super::spec::{Allowed, OptionSpec, SectionSpec, options};
use super::value::{JwtAlgorithm, KeyEncoding, LogFormat, OptionValue, Secret, Synchronous};
use crate::roles::NodeRoles;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

options! {
    /// Where the server listens, where its files are, and how it stops.
    server: Server {
        /// Address and port of all HTTP and WebSocket traffic. Port 0 takes any free port.
        listen: SocketAddr = "127.0.0.1:8080", ADDRESS;
        /// Directory of the database, the generated key and the service accounts; created at the
        /// first start, readable by its owner only. Relative to the working directory.
        data: PathBuf = "./data", DIRECTORY;
        /// Threads that run the server. 0 takes one for each core.
        worker_threads: usize = 0, Allowed::Range(0, 1024);
        /// Seconds for which a server that was told to stop goes on as before, with `/readyz` at 503,
        /// so that load balancers send nobody new before it stops accepting. 0 stops accepting at
        /// once.
        drain_delay_seconds: u64 = 2, Allowed::Range(0, 3600);
        /// Seconds that a stopping server gives its clients to reconnect elsewhere before it cuts
        /// them off. 0 cuts them off at once.
        drain_seconds: u64 = 10, Allowed::Range(0, 3600);
        /// Most connections that are open at the same time, of all kinds; one more is closed at
        /// once. 0 takes what the limit on open files leaves.
        connections_max: usize = 0, Allowed::Range(0, 10_000_000);
        /// Most connections from one IPv4 address or one IPv6 /64 network; one more is closed at
        /// once. `trusted_addresses` are not counted. 0 sets no bound.
        connections_per_address_max: u32 = 1000, Allowed::Range(0, 10_000_000);
        /// Most connections that have not finished their TLS handshake or sent the head of their
        /// first request; one more closes the oldest of them.
        handshakes_max: usize = 4096, Allowed::Range(1, 1_000_000);
        /// Where proxies are: their connections are not counted by address. Behind a proxy the
        /// bound for each client is the proxy's to set.
        trusted_addresses: Vec<AddressRange> = ["127.0.0.0/8", "::1"], ADDRESS_RANGE;
    }

    /// What this node is for, where a deployment has several.
    node: Node {
        /// `api`: REST, the host's back end, pictures, pages, and the jobs of the deployment
        /// (retention, overdue rooms, unused pictures). `gateway`: WebSocket, SockJS, event streams and
        /// STOMP over TCP. A node answers 404 to what the other serves.
        roles: NodeRoles = ["api", "gateway"], NODE_ROLE;
    }

    /// Encryption of all listeners (TLS 1.2 and 1.3). Changed files are taken up at once, and at
    /// SIGHUP; new ones that cannot be used are logged, and the ones before stay.
    tls: Tls {
        /// The certificate chain as PEM, the server's own first. When set, the server speaks HTTPS
        /// only.
        cert_file: Option<PathBuf> = "", FILE;
        /// The private key of the certificate as PEM: PKCS#8, PKCS#1 or SEC1, without a passphrase.
        key_file: Option<PathBuf> = "", FILE;
    }

    /// What is logged. Logs go to standard error.
    log: Log {
        /// The least level that is logged, for everything or by module (`env-filter` syntax).
        level: String = "info", LOG_FILTER;
        /// `text` for people, `json` for collectors: one object a line.
        format: LogFormat = "text", Allowed::Choice(LogFormat::NAMES);
    }

    /// How the host application's tokens (JWT) are checked and what is read from them.
    auth: Auth {
        /// The signature algorithm of the host's tokens. Tokens with any other are refused.
        jwt_algorithm: JwtAlgorithm = "HS256", Allowed::Choice(JwtAlgorithm::NAMES);
        /// The host's key: for HS algorithms the shared secret, at least as long as the hash (32,
        /// 48 or 64 bytes); for the others the public key as PEM. Prefer `jwt_key_file` or the
        /// environment to writing a secret into this file.
        jwt_key: Option<Secret> = "", ANY_TEXT;
        /// A file with the host's key, read at start. Spaces and line ends around a shared secret
        /// are not part of it.
        jwt_key_file: Option<PathBuf> = "", FILE;
        /// How a shared secret is written. Hosts on Spring mostly keep it as `base64`. Public keys
        /// are always PEM.
        jwt_key_encoding: KeyEncoding = "text", Allowed::Choice(KeyEncoding::NAMES);
        /// The address (JWKS, `https://` or `http://`) at which the host publishes its public keys,
        /// in place of `jwt_key`: each says which signatures it is for. Fetched at start and again,
        /// without redirects; while it cannot be reached, the keys that are known stay.
        jwks_url: Option<String> = "", JWKS_URL;
        /// A file with the same, read again as often.
        jwks_file: Option<PathBuf> = "", FILE;
        /// Seconds from one fetch of the published keys to the next. A key that is no longer
        /// published is refused from then on.
        jwks_refresh_seconds: u64 = 300, Allowed::Range(1, 86_400);
        /// Least seconds between two fetches. A token whose key is not known waits for a fetch at
        /// once, but while the last one is younger than this it is refused.
        jwks_unknown_kid_seconds: u64 = 10, Allowed::Range(1, 3600);
        /// When set, a token's `iss` must be this.
        issuer: Option<String> = "", ANY_TEXT;
        /// When set, a token's `aud` must be or contain this.
        audience: Option<String> = "", ANY_TEXT;
        /// Seconds by which the host's clock may differ from ours in `exp` and `nbf`.
        leeway_seconds: u32 = 0, Allowed::Range(0, 300);
        /// The claim that is the user's id: a text or a whole number.
        claim_user: String = "sub", NOT_EMPTY;
        /// The claims that may hold the name others see; the first that does counts.
        claim_name: Vec<String> = ["nickname", "name"], NOT_EMPTY;
        /// The claim with the host's own number of the user: a text or a whole number.
        claim_member_id: String = "id", NOT_EMPTY;
        /// The claim with the user's authorities: a list, or one text separated by commas.
        claim_roles: String = "auth", NOT_EMPTY;
        /// Authorities that make their holder a support agent.
        agent_authorities: Vec<String> = ["ROLE_ADMIN", "ROLE_AGENT"], NOT_EMPTY;
        /// Authorities that make their holder an admin of this server, who may read every room.
        admin_authorities: Vec<String> = ["ROLE_MADANG_ADMIN"], NOT_EMPTY;
        /// The cookie that may carry the token when no `Authorization` header does.
        cookie: Option<String> = "Authorization", COOKIE;
        /// Whether tokens made by `madang token` are accepted. They are signed with a key that this
        /// server makes itself, and never accepted while a host key is set.
        development_tokens: bool = true, Allowed::Boolean;
        /// Whether everybody may have a guest's token from `POST /api/v1/guests`. An API key with the
        /// scope `users` may in any case.
        guests: bool = false, Allowed::Boolean;
        /// The secret that signs guests' tokens, for several nodes that take each other's. Empty: the
        /// server makes one in its data directory (`guest.key`). Prefer the environment to writing it
        /// into this file.
        guest_key: Option<Secret> = "", GUEST_KEY;
        /// Seconds that a guest's token is valid, where the host does not say how long.
        guest_ttl_seconds: u64 = 86400, Allowed::Range(60, 2_592_000);
        /// Most guests' tokens in one hour for one IPv4 address or one IPv6 /64 network that asks
        /// without an API key; one more is refused with `TOO_MANY`. Behind a proxy that
        /// `server.trusted_addresses` names, the client's address is the one in `X-Forwarded-For`. 0
        /// sets no bound.
        guests_per_address_max: u32 = 60, Allowed::Range(0, 1_000_000);
    }

    /// Limits of a STOMP session. What exceeds one is answered with an ERROR frame.
    stomp: Stomp {
        /// Address and port of STOMP over plain TCP, or over TLS where `[tls]` is set. Empty
        /// listens on none, and so does a node without the role `gateway`.
        tcp_listen: Option<SocketAddr> = "", OPTIONAL_ADDRESS;
        /// Most headers of one frame.
        header_count_max: usize = 64, Allowed::Range(8, 4096);
        /// Most bytes of one header line or command, its line end not counted.
        header_line_bytes_max: usize = 8192, Allowed::Range(256, MIB);
        /// Most bytes of one frame's body.
        body_bytes_max: usize = 65536, Allowed::Range(256, 16 * MIB);
        /// Milliseconds between the heart-beats that the server can send. 0 sends none.
        heart_beat_send_ms: u64 = 10000, Allowed::Range(0, 600_000);
        /// Milliseconds between the heart-beats that the server wants from clients. 0 wants none:
        /// a peer that vanished is then noticed only when something is sent to it.
        heart_beat_want_ms: u64 = 10000, Allowed::Range(0, 600_000);
        /// Seconds within which a new connection must send CONNECT.
        connect_timeout_seconds: u64 = 10, Allowed::Range(1, 300);
        /// Most subscriptions of one session that are in force. As many that the server ended wait for
        /// their UNSUBSCRIBE; of more the oldest is forgotten.
        subscriptions_max: usize = 256, Allowed::Range(1, 65_536);
        /// Most open transactions of one session.
        transactions_max: usize = 16, Allowed::Range(0, 1024);
        /// Most frames held in one session's open transactions, together; with at most 1 MiB of
        /// messages.
        transaction_frames_max: usize = 1000, Allowed::Range(1, 65_536);
        /// Most frames of a session whose answers wait for the store; beyond it the session reads
        /// no more until some are answered.
        unanswered_max: usize = 1024, Allowed::Range(1, 65_536);
        /// A prefix under which room destinations are served as well: with `/app`, a client may
        /// send to `/app/rooms/{id}`. Empty serves them as `/rooms/{id}` only.
        application_prefix: Option<String> = "", PREFIX_OR_NONE;
    }

    /// SockJS, at `/ws`: WebSocket and the transports for where it does not get through.
    sockjs: SockJs {
        /// Whether the WebSocket transports are served. Without them plain WebSockets at `/ws` are
        /// not served either.
        websocket: bool = true, Allowed::Boolean;
        /// Whether responses set the cookie JSESSIONID, for load balancers that keep a client at
        /// its node by it.
        cookie: bool = false, Allowed::Boolean;
        /// Seconds between heart-beats.
        heart_beat_seconds: u64 = 25, Allowed::Range(1, 3600);
        /// Seconds that a session lives while no request receives for it.
        disconnect_seconds: u64 = 5, Allowed::Range(1, 300);
        /// Milliseconds for which other nodes are asked for a session that is not here, when some of
        /// them do not answer. A node that is alone asks nobody.
        find_ms: u64 = 300, Allowed::Range(10, 10_000);
        /// Bytes after which a streaming response ends and the client asks anew: browsers keep all
        /// of it in memory.
        response_bytes_max: usize = 131072, Allowed::Range(4 * KIB, 64 * MIB);
        /// Most sessions of the transports without WebSocket. One more ends the oldest that has not
        /// said who it is; where there is none it is refused with 503.
        sessions_max: usize = 50000, Allowed::Range(1, 10_000_000);
        /// Most SockJS sessions of one user on this node, whatever their transport; one more is
        /// refused with `TOO_MANY`. 0 is no bound.
        per_user_max: u32 = 10000, Allowed::Range(0, 1_000_000);
        /// Where the pages of the iframe transports load the client library from: a path of this
        /// server, or a URL.
        client_url: String = "/sockjs/sockjs.min.js", NOT_EMPTY;
    }

    /// The WebSocket doors.
    websocket: WebSocket {
        /// The origins whose pages may connect, besides the server's own. Empty lets in only pages
        /// of the same origin and clients that send no `Origin`; `*` lets in every page, which is
        /// unsafe with tokens in cookies.
        allowed_origins: Vec<String> = [], ORIGIN;
        /// Most bytes of one WebSocket message from a client.
        message_bytes_max: usize = 131072, Allowed::Range(KIB, 64 * MIB);
        /// Whether `/ws/v1` and `/ws/chat` take the token from the query (`?token=`). Proxies log
        /// it there: for clients only that can send it in no other way.
        query_token: bool = false, Allowed::Boolean;
    }

    /// REST and event streams.
    http: Http {
        /// Whether event streams take the token from the query (`?access_token=`). Proxies log it
        /// there: for clients only that can send it in no other way.
        query_token: bool = false, Allowed::Boolean;
    }

    /// What a session may cost.
    session: Session {
        /// Most rooms that a session shows without being asked (`/ws/v1`, `/ws/chat`, event
        /// streams): those that the client resumes, then the newest. A user with more reads the
        /// others over REST.
        rooms_max: usize = 1024, Allowed::Range(1, 65_536);
        /// The same of an event stream of all rooms, if that is less: where every room stands is in
        /// the id of each event, about 21 bytes a room, and comes back in a header
        /// (`Last-Event-ID`), of which most proxies take 8 KiB.
        stream_rooms_max: usize = 256, Allowed::Range(1, 65_536);
        /// Bytes of room messages queued for one session before it reads the log instead; nothing
        /// is lost.
        queue_bytes_max: usize = 65536, Allowed::Range(4 * KIB, 64 * MIB);
        /// Bytes of application-topic messages queued for one session before it is closed with
        /// `SLOW_CONSUMER`: topics are not stored.
        topic_queue_bytes_max: usize = 1048576, Allowed::Range(4 * KIB, 256 * MIB);
        /// Most sessions of one user on this node, over all doors; one more is refused with
        /// `TOO_MANY`. Service accounts and API keys have no bound. 0 is no bound.
        per_user_max: u32 = 10000, Allowed::Range(0, 1_000_000);
        /// Frames (commands, messages) that a client may send in one second, and as many at once.
        /// Beyond it the session reads no more until the second has caught up. 0 is no bound.
        frames_per_second_max: u64 = 20000, Allowed::Range(0, 100_000_000);
        /// Bytes, in the same way.
        bytes_per_second_max: u64 = 33554432, Allowed::Range(0, 100_000 * MIB);
    }

    /// Who may use application topics: destinations that are not rooms and are not stored.
    topics: Topics {
        /// The prefixes of the destinations that are topics. Empty serves none.
        prefixes: Vec<String> = ["/topic/", "/queue/"], TOPIC_PREFIX;
        /// The prefix of the destinations that are one user's own: that user subscribes to
        /// `/user/queue/x`, and what is published to `/user/{id}/queue/x` comes there.
        user_prefix: String = "/user", PREFIX;
        /// The roles that may publish; an API key with the scope `publish` may in any case, over
        /// REST. Empty lets nobody else.
        publish: Vec<Role> = ["service"], ROLE;
        /// The roles that may subscribe. Empty lets nobody.
        subscribe: Vec<Role> = ["service", "agent", "admin", "user", "guest"], ROLE;
    }

    /// The paths and payloads of other systems that this server answers beside its own.
    contracts: Contracts {
        /// Whether the support-desk contract is served (`/ws`, `/user/chats`, `/admin/chats`).
        support_desk: bool = true, Allowed::Boolean;
        /// The name that customers see in place of an agent's own.
        support_desk_agent_name: String = "상담원", NOT_EMPTY;
        /// The time zone of the contract's local date-times.
        support_desk_time_zone: Option<TimeZone> = "", TIME_ZONE;
        /// Whether the contract of open chat and trade chat is served (`/stomp/chat`, `/api/openchat`,
        /// `/api/tradechat`, `/api/notifications`).
        community: bool = true, Allowed::Boolean;
        /// The time zone of that contract's local date-times.
        community_time_zone: Option<TimeZone> = "", TIME_ZONE;
        /// Whether the bare WebSocket of the contract with an API server and chat servers apart is
        /// served (`/ws/chat`).
        direct_websocket: bool = true, Allowed::Boolean;
        /// Whether the REST of that contract is served (`/send/message`).
        direct_rest: bool = true, Allowed::Boolean;
    }

    /// The database.
    store: Store {
        /// Where it is: `sqlite:PATH` for one node (`sqlite:` alone is `madang.db` in the data
        /// directory); `postgres://USER:PASSWORD@HOST/DATABASE` or `mysql://USER:PASSWORD@HOST/DATABASE`
        /// for many. `?sslmode=verify-full&sslrootcert=FILE`, of MySQL
        /// `?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE`, asks for TLS and a certificate of that authority. Prefer the
        /// environment for a password.
        url: String = "sqlite:", NOT_EMPTY;
        /// `full`: an accepted message survives a power cut. `normal`: it survives a crash of the
        /// server, and commits are faster.
        synchronous: Synchronous = "full", Allowed::Choice(Synchronous::NAMES);
        /// Connections that read at the same time.
        reader_threads: usize = 4, Allowed::Range(1, 64);
        /// Connections that write at the same time, each for its share of the rooms. SQLite has one.
        writer_threads: usize = 4, Allowed::Range(1, 64);
        /// Milliseconds that a database server may take for a statement.
        statement_timeout_ms: u64 = 10000, Allowed::Range(100, 600_000);
        /// Milliseconds that a connection to a database server may take to be made.
        connect_timeout_ms: u64 = 5000, Allowed::Range(100, 600_000);
        /// Most messages committed in one transaction.
        batch_drafts_max: usize = 1000, Allowed::Range(1, 100_000);
        /// Most bytes of text committed in one transaction.
        batch_bytes_max: usize = 4194304, Allowed::Range(64 * KIB, 256 * MIB);
        /// Most messages that wait to be committed, and KiB of what they say; senders beyond it wait for a place.
        queue_drafts_max: usize = 65536, Allowed::Range(1, 10_000_000);
    }

    /// What carries messages between nodes.
    bus: Bus {
        /// Where it is: `local:` for one node; `redis://HOST:PORT` (`rediss://` with TLS),
        /// `redis+cluster://HOST:PORT,HOST:PORT`, `redis+sentinel://HOST:PORT,HOST:PORT/NAME`;
        /// `nats://HOST:PORT,HOST:PORT` (`tls://` with TLS). A user and password stand before the first
        /// host, as in `redis://USER:PASSWORD@HOST`: prefer the environment for them.
        url: String = "local:", NOT_EMPTY;
        /// In front of the names of all channels, and of what presence keeps on Redis: what sets two
        /// deployments apart that share a broker. ASCII letters, digits, `-` and `_`, 64 at most.
        prefix: String = "madang", NOT_EMPTY;
    }

    /// What is kept in memory of what the store holds.
    cache: Cache {
        /// Bytes set aside for the newest messages of rooms that are read, about: their first page, and
        /// what subscriptions catch up with. A page from memory is what the store would answer. 0
        /// keeps none: every page is read from the store.
        history_bytes_max: usize = 33554432, Allowed::Range(0, 1024 * 1024 * MIB);
    }

    /// Fan-out.
    hub: Hub {
        /// Seconds between the checks for messages whose live delivery was lost.
        head_check_seconds: u64 = 5, Allowed::Range(1, 3600);
    }

    /// What people may do with rooms of members.
    rooms: Rooms {
        /// Most people whom one person brings into rooms in 24 hours, on this node: members whom they
        /// add, and whom they make rooms with. One more is refused with `TOO_MANY`. Service accounts
        /// and API keys have no bound. 0 is no bound.
        added_per_user_per_day_max: u32 = 1000, Allowed::Range(0, 1_000_000);
    }

    /// What people may do with messages.
    messages: Messages {
        /// Seconds for which a message's sender may edit or delete it; a room's moderators always
        /// may. 0 sets no bound.
        revise_seconds: u64 = 86400, Allowed::Range(0, 3_153_600_000);
        /// Milliseconds between two read marks, or signs of typing, of one member that are told in a
        /// room.
        signal_interval_ms: u64 = 1000, Allowed::Range(100, 60_000);
    }

    /// The support desk.
    desk: Desk {
        /// Seconds after which a waiting room is noted in the desk's feed, and in the inboxes of
        /// the agents who were seen last. 0 notes none.
        overdue_seconds: u64 = 300, Allowed::Range(0, 31_536_000);
    }

    /// Who is online.
    presence: Presence {
        /// Where it is kept: `local:` for one node; `redis://HOST:PORT` and the other forms of Redis
        /// that `bus.url` has, or `store:` for the database server of `store.url`, for several. Empty
        /// takes the Redis of `bus.url`; where the bus is another, the database server; else `local:`.
        url: Option<String> = "", ANY_TEXT;
        /// Seconds for which a node that is gone keeps its users online.
        lease_seconds: u64 = 30, Allowed::Range(3, 3600);
        /// Seconds for which a user stays online after their last session: a reconnect is not seen.
        grace_seconds: u64 = 5, Allowed::Range(0, 3600);
    }

    /// What is kept no longer. Removed entries are gone from every table and index; a client that
    /// resumes before them is told so (`reset`).
    retention: Retention {
        /// Days for which entries of support rooms are kept, and a support room that waits without any
        /// message. 0 keeps them.
        support_days: u64 = 0, Allowed::Range(0, 36_500);
        /// Days after which a completed support room is deleted. 0 keeps it.
        completed_support_days: u64 = 0, Allowed::Range(0, 36_500);
        /// Days for which entries of direct rooms are kept. 0 keeps them.
        direct_days: u64 = 0, Allowed::Range(0, 36_500);
        /// Days for which entries of groups are kept. 0 keeps them.
        group_days: u64 = 0, Allowed::Range(0, 36_500);
        /// Days for which entries of open rooms are kept. 0 keeps them.
        open_days: u64 = 0, Allowed::Range(0, 36_500);
        /// Most entries kept in each support room. 0 sets no bound.
        support_entries_max: u64 = 0, Allowed::Range(0, 1_000_000_000);
        /// Most entries kept in each direct room. 0 sets no bound.
        direct_entries_max: u64 = 0, Allowed::Range(0, 1_000_000_000);
        /// Most entries kept in each group. 0 sets no bound.
        group_entries_max: u64 = 0, Allowed::Range(0, 1_000_000_000);
        /// Most entries kept in each open room. 0 sets no bound.
        open_entries_max: u64 = 0, Allowed::Range(0, 1_000_000_000);
        /// Days for which entries of the desk's feed are kept. 0 keeps them.
        desk_days: u64 = 90, Allowed::Range(0, 36_500);
        /// Days for which notifications are kept. 0 keeps them.
        inbox_days: u64 = 90, Allowed::Range(0, 36_500);
        /// Most entries kept in each inbox. 0 sets no bound.
        inbox_entries_max: u64 = 1000, Allowed::Range(0, 1_000_000_000);
        /// Seconds for which entries stay whatever their number: a repeat of what was sent is found by
        /// the first message, as long as that is kept. 0 lets the bounds above cut at once.
        repeat_seconds: u64 = 3600, Allowed::Range(0, 604_800);
        /// Seconds between two rounds through all rooms.
        sweep_seconds: u64 = 3600, Allowed::Range(1, 604_800);
    }

    /// Pictures of rooms that are uploaded to this server (docs/pictures.md).
    pictures: Pictures {
        /// Whether pictures may be uploaded. Those that are there are served in any case.
        upload: bool = true, Allowed::Boolean;
        /// Where they are kept: a directory, which is created when it is missing, or a bucket of
        /// a store that speaks S3.
        store: PicturePlace = "", PICTURE_PLACE;
        /// Where the store listens that speaks S3. Empty means Amazon's.
        s3_endpoint: Option<String> = "", HTTP_URL;
        /// The region of the bucket. Empty takes AWS_REGION, and without that us-east-1.
        s3_region: Option<String> = "", ANY_TEXT;
        /// The id of the access key. Empty takes the environment's (AWS_ACCESS_KEY_ID, a web
        /// identity, a container's role), else the machine's role.
        s3_access_key: Option<String> = "", ANY_TEXT;
        /// The secret of the access key. Prefer the environment to writing it into this file.
        s3_secret_key: Option<Secret> = "", ANY_TEXT;
        /// Most bytes of one picture.
        bytes_max: usize = 1048576, Allowed::Range(KIB, 32 * MIB);
        /// Most uploads that are stored at the same time; others wait. Uploads under way hold at most
        /// the bytes of so many, and up to twice as much memory; more are refused with `OVERLOADED`.
        /// Of one person two may be under way.
        uploads_max: usize = 16, Allowed::Range(1, 1024);
        /// Most uploads of one person in 24 hours on this node, those that fail too; one more is
        /// refused with `TOO_MANY`. Service accounts and API keys have no bound. 0 is no bound.
        per_user_per_day_max: u32 = 100, Allowed::Range(0, 1_000_000);
    }

    /// The page to try the server with.
    demo: Demo {
        /// Whether the page is served. Only while development tokens are in use.
        enabled: bool = true, Allowed::Boolean;
    }
}

impl Config {
    /// Whether the host application's key is set, or where it publishes its keys.
    #[must_use]
    pub fn has_host_key(&self) -> bool {
        self.has_one_host_key() || self.auth.jwks_url.is_some() || self.auth.jwks_file.is_some()
    }

    /// Whether the host application's key is set.
    pub(super) fn has_one_host_key(&self) -> bool {
        self.auth.jwt_key.is_some() || self.auth.jwt_key_file.is_some()
    }

    /// Whether tokens made by `madang token` are accepted: wanted, and no host key is set.
    #[must_use]
    pub fn uses_development_tokens(&self) -> bool {
        self.auth.development_tokens && !self.has_host_key()
    }

    /// Whether the demo page is served: wanted, on a node that has all that it calls, and development tokens are in use.
    #[must_use]
    pub fn serves_demo(&self) -> bool {
        let at_home = self.server.listen.ip().is_loopback();
        let is_whole = self.node.roles == NodeRoles::ALL;
        self.demo.enabled && self.uses_development_tokens() && at_home && is_whole
    }
}
