//! A server of its own for a test: port 0, its own data folder, its log kept for failures.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::CertifiedKey;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::doors::{Endpoint, pipe};
use crate::{PATIENCE, binary, http};
use madang_test_servers::process::{self, Log};

/// How the last of the lines begins that a server prints once it is ready.
const LAST_LINE: &str = "  Readiness:";

/// Files of the data folder, which is the server's working directory too.
const CERTIFICATE: &str = "cert.pem";
const KEY: &str = "key.pem";

/// What a server is to be like.
#[derive(Debug, Default, Clone)]
pub struct Builder {
    port: u16,
    env: Vec<(String, String)>,
    accounts: Vec<(String, String)>,
    flags: Vec<String>,
    tls: bool,
}

impl Builder {
    /// Gives it a certificate, made now: it speaks TLS on every listener.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self.flag("--tls-cert", CERTIFICATE).flag("--tls-key", KEY)
    }

    /// Lets it listen for STOMP over TCP.
    #[must_use]
    pub fn stomp_tcp(self) -> Self {
        self.flag("--stomp-tcp", "127.0.0.1:0")
    }

    /// Lets it listen on this port of the loopback address, not on any that is free.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets an option through its environment variable, such as `MADANG_STOMP__BODY_BYTES_MAX`.
    #[must_use]
    pub fn env(mut self, variable: &str, value: impl ToString) -> Self {
        self.env.push((variable.to_owned(), value.to_string()));
        self
    }

    /// Makes a service account before the server starts.
    #[must_use]
    pub fn account(mut self, login: &str, passcode: &str) -> Self {
        self.accounts.push((login.to_owned(), passcode.to_owned()));
        self
    }

    /// Adds a flag of `madang serve` and its value, such as `--stomp-tcp 127.0.0.1:0`.
    #[must_use]
    pub fn flag(mut self, flag: &str, value: impl ToString) -> Self {
        self.flags.extend([flag.to_owned(), value.to_string()]);
        self
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Panics
    /// When it does not get ready.
    #[must_use]
    pub fn start(self) -> TestServer {
        let data = TempDir::new().expect("a temporary folder");
        let mut server = TestServer {
            address: SocketAddr::from(([127, 0, 0, 1], self.port)),
            child: None,
            data,
            env: self.env,
            flags: self.flags,
            scheme: String::new(),
            printed: Vec::new(),
            log: Log::default(),
            certificate: None,
        };
        if self.tls {
            server.certify();
        }
        for (login, passcode) in &self.accounts {
            server.account(login, passcode);
        }
        server.launch().unwrap_or_else(|said| panic!("{said}"));
        server
    }
}

/// A running server. Killed when dropped; its log is printed when a test fails meanwhile.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    child: Option<Child>,
    data: TempDir,
    env: Vec<(String, String)>,
    flags: Vec<String>,
    scheme: String,
    printed: Vec<String>,
    log: Log,
    certificate: Option<CertificateDer<'static>>,
}

impl TestServer {
    /// A server with default options.
    #[must_use]
    pub fn start() -> Self {
        Builder::default().start()
    }

    /// To change options first.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens. Stays the same over [`restart`](Self::restart).
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://`, or `https://` when it has a certificate, and the address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Where another listener is bound, such as `STOMP over TCP`, by the start of the line that says so.
    ///
    /// # Panics
    /// When the server did not say so before it was ready.
    #[must_use]
    pub fn listener(&self, name: &str) -> SocketAddr {
        let said = self
            .printed
            .iter()
            .find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'));
        let address = said.unwrap_or_else(|| panic!("no line of {name}: {:?}", self.printed));
        address.trim().parse().expect("the address is one")
    }

    /// How clients reach it, by whatever door.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        let certificate = self.certificate.clone();
        let by_tcp = self.flags.iter().any(|flag| flag == "--stomp-tcp");
        Endpoint {
            http: self.address,
            stomp_tcp: by_tcp.then(|| self.listener("STOMP over TCP")),
            tls: certificate.map(|certificate| pipe::trusting(certificate, &[])),
        }
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it is not running.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// What it logged lately.
    #[must_use]
    pub fn log_lines(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Prints its log; for a server that is shared and so not dropped when a test fails.
    pub fn print_log(&self) {
        self.log.print("madang");
    }

    /// SIGKILL, and waits until the process is gone.
    ///
    /// # Panics
    /// When it is not running.
    pub fn kill9(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        process::signal(&child, libc::SIGKILL);
        child.wait().expect("the server can be waited for");
    }

    /// SIGSTOP: it keeps its connections and answers nothing.
    ///
    /// # Panics
    /// When it is not running.
    pub fn freeze(&self) {
        process::signal(self.child.as_ref().expect("the server runs"), libc::SIGSTOP);
    }

    /// SIGCONT.
    ///
    /// # Panics
    /// When it is not running.
    pub fn thaw(&self) {
        process::signal(self.child.as_ref().expect("the server runs"), libc::SIGCONT);
    }

    /// SIGTERM; does not wait.
    ///
    /// # Panics
    /// When it is not running.
    pub fn terminate(&self) {
        process::signal(self.child.as_ref().expect("the server runs"), libc::SIGTERM);
    }

    /// What `/readyz` says: status and text.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn ready(&self) -> (u16, String) {
        let answer = http::get(self.address, "/readyz", &[]);
        (answer.status, answer.text().to_owned())
    }

    /// Asks again and again, as load balancers do, until a broker or a database is reached that was away.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn wait_until_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.ready().0 != 200 {
            assert!(Instant::now() < deadline, "{:?}", self.ready());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the process has ended by itself.
    ///
    /// # Panics
    /// When it does not.
    pub fn wait_exit(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the server runs");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().expect("the server can be waited for") {
                return status;
            }
            if Instant::now() > deadline {
                process::signal(&child, libc::SIGKILL);
                self.child = Some(child);
                panic!("the server did not exit");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts it again on the same data and the same port, after it ended.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|said| panic!("{said}"));
    }

    /// As [`restart`](Self::restart), where what it needs may be away.
    ///
    /// # Errors
    /// What it said instead of getting ready; it does not run.
    ///
    /// # Panics
    /// When it still runs.
    pub fn try_restart(&mut self) -> Result<(), String> {
        assert!(self.child.is_none(), "the server still runs");
        let launched = self.launch();
        if launched.is_err() && self.child.is_some() {
            self.kill9();
        }
        launched
    }

    /// A token for `user` in `role` (`user`, `agent` or `admin`) that lasts an hour.
    #[must_use]
    pub fn token(&self, user: &str, role: &str) -> String {
        self.token_with(user, role, &["--ttl", "1h"])
    }

    /// A token made with further arguments of `madang token`.
    #[must_use]
    pub fn token_with(&self, user: &str, role: &str, further: &[&str]) -> String {
        let mut arguments = vec!["token", "--user", user, "--role", role];
        arguments.extend_from_slice(further);
        self.run(&arguments).trim().to_owned()
    }

    /// Makes a service account.
    pub fn account(&self, login: &str, passcode: &str) {
        self.run(&["account", "--login", login, "--passcode", passcode]);
    }

    /// Runs the binary's other commands on the data folder; answers what it printed.
    ///
    /// # Panics
    /// When the command fails.
    pub fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.command();
        command.args(arguments).arg("--data").arg(self.data.path());
        let output = command.output().expect("the binary runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "madang {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("the binary prints UTF-8")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary::madang());
        command.current_dir(self.data.path());
        // No balancer has to learn of its end.
        command.env("MADANG_SERVER__DRAIN_DELAY_SECONDS", "0");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Makes a certificate for the loopback address.
    fn certify(&mut self) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let CertifiedKey { cert, signing_key } = made.expect("a certificate can be made");
        let write = |name, text: String| {
            std::fs::write(self.data.path().join(name), text).expect("the data folder is writable");
        };
        write(CERTIFICATE, cert.pem());
        write(KEY, signing_key.serialize_pem());
        self.certificate = Some(cert.der().clone());
    }

    /// # Errors
    /// What it printed last, when it does not get ready.
    fn launch(&mut self) -> Result<(), String> {
        let mut command = self.command();
        command.arg("serve").arg("--data").arg(self.data.path());
        command.arg("--listen").arg(self.address.to_string());
        command.args(&self.flags);
        process::piped(&mut command);
        let mut child = process::spawn(command);
        let (seen, lines) = channel();
        process::collect(
            child.stdout.take().expect("piped"),
            self.log.clone(),
            Some(seen),
        );
        process::collect(child.stderr.take().expect("piped"), self.log.clone(), None);
        self.child = Some(child);
        self.printed.clear();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = lines.recv_timeout(left).map_err(|reason| {
                let said = self.log.lines().join("\n");
                format!("the server said nothing of listening: {reason}\n{said}")
            })?;
            if let Some((_, url)) = line.split_once("listening on ") {
                let (scheme, address) = url.split_once("://").expect("a URL");
                scheme.clone_into(&mut self.scheme);
                self.address = address.trim().parse().expect("the address is one");
            }
            let last = line.starts_with(LAST_LINE);
            self.printed.push(line);
            if last {
                break;
            }
        }
        // Over TLS a test asks with a client that knows the certificate; a server with a broker or a database is
        // ready once it has reached it.
        let elsewhere = |flag: &String| ["--bus", "--store", "--presence"].contains(&flag.as_str());
        if self.scheme == "https" || self.flags.iter().any(elsewhere) {
            return Ok(());
        }
        let (status, text) = self.ready();
        assert_eq!(status, 200, "/readyz once it listens: {text}");
        Ok(())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if thread::panicking() {
            self.print_log();
        }
        if let Some(mut child) = self.child.take() {
            process::signal(&child, libc::SIGKILL);
            let _ = child.wait();
        }
    }
}
