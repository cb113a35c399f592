/// Which sockjs-protocol the HTTP details follow. The frames are the same in
/// all of them, and so is what clients need: sockjs-client 0.3 and 1.x work
/// with either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revision {
    /// 0.3.3, the last with a number. No `no-transform`; credentials are
    /// allowed to all origins, and the origin `null` is answered with `*`.
    V0_3_3,
    /// What sockjs-protocol and sockjs-node became with client 1.0: JSONP
    /// begins with a comment against content sniffing, and the origin is echoed.
    #[default]
    V1_0,
}
