/// What `/info` tells a client before it chooses a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Whether WebSocket can be tried.
    pub websocket: bool,
    /// Whether a load balancer needs the cookie, so that transports without
    /// cookies are out.
    pub cookie_needed: bool,
    /// Unpredictable, and another one each time: browsers seed their session
    /// ids with it.
    pub entropy: u32,
}

impl Info {
    /// The `Content-Type`.
    pub const CONTENT_TYPE: &'static str = "application/json; charset=UTF-8";

    /// The body. `origins` is a constant that clients ignore.
    pub fn to_json(&self) -> String {
        format!(
            r#"{{"websocket":{},"origins":["*:*"],"cookie_needed":{},"entropy":{}}}"#,
            self.websocket, self.cookie_needed, self.entropy
        )
    }
}
