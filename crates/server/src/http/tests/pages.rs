//! The pages in the binary.

use axum::body::Body;
use axum::http::{StatusCode, header};
use madang_domain::Code;

use super::fixture::{Server, local_request};

async fn local(server: &Server, path: &str) -> super::fixture::Answer {
    let request = local_request("GET", path).body(Body::empty()).unwrap();
    server.ask(request).await
}

#[tokio::test]
async fn the_demo_is_shown_on_this_machine_only_and_only_where_it_is_on() {
    let server = Server::start();
    assert!(local(&server, "/").await.text().contains("/demo/app.js"));
    let status = server.call("", "GET", "/").await;
    assert!(status.is(StatusCode::OK).text().contains("Madang runs"));
    for file in ["app.js", "room.js", "style.css", "stomp.umd.min.js"] {
        local(&server, &format!("/demo/{file}"))
            .await
            .is(StatusCode::OK);
    }

    let off = Server::start_with(true, false);
    assert!(local(&off, "/").await.text().contains("Madang runs"));
    local(&off, "/demo/app.js").await.is_problem(Code::NotFound);
    let token = local_request("POST", "/demo/token")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"name":"demo-kim","role":"agent"}"#));
    off.ask(token.unwrap()).await.is_problem(Code::NotFound);
}

#[tokio::test]
async fn a_demo_token_comes_with_who_it_is_for() {
    let server = Server::start();
    let ask = async |origin: &str, body: &'static str| {
        let request = local_request("POST", "/demo/token")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ORIGIN, origin);
        server.ask(request.body(Body::from(body)).unwrap()).await
    };
    let own = "http://localhost:8080";
    let answer = ask(own, r#"{"name":"demo-kim","role":"agent"}"#).await;
    assert_eq!(
        answer.is(StatusCode::OK).json(),
        serde_json::json!({"token": "agent/demo-kim", "userId": "demo-kim", "name": "demo-kim",
                           "websocketPath": "/ws"})
    );
    let foreign = ask("http://evil.example", r#"{"name":"x","role":"agent"}"#).await;
    foreign.is_problem(Code::OriginForbidden);
    for body in [
        r#"{"name":"","role":"user"}"#,
        r#"{"name":"x","role":"admin"}"#,
        r#"{"name":"x"}"#,
    ] {
        ask(own, body).await.is_problem(Code::BodyInvalid);
    }
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_run_nothing_inline() {
    let server = Server::start();
    for path in ["/", "/docs", "/docs/asyncapi", "/docs/errors"] {
        let page = local(&server, path).await;
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("script-src 'self';"), "{path}: {policy}");
        // Only the browser of the REST API sets styles inline.
        let is_strict = !policy.contains("unsafe-inline");
        assert!(is_strict || path != "/docs/asyncapi", "{path}: {policy}");
        let text = page.is(StatusCode::OK).text();
        for attribute in ["src=\"", "href=\""] {
            for reference in text.split(attribute).skip(1) {
                let own = reference.starts_with('/') || reference.starts_with("data:");
                assert!(own, "{path}: {}", &reference[..40.min(reference.len())]);
            }
        }
        assert!(!text.contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let server = Server::start();
    let first = local(&server, "/docs/swagger-ui-bundle.js").await;
    let tag = first.is(StatusCode::OK).header("etag").to_owned();
    assert!(first.header("content-type").starts_with("text/javascript"));
    let again = local_request("GET", "/docs/swagger-ui-bundle.js")
        .header(header::IF_NONE_MATCH, format!("\"other\", W/{tag}"));
    let again = server.ask(again.body(Body::empty()).unwrap()).await;
    assert!(again.is(StatusCode::NOT_MODIFIED).body.is_empty());
    assert_eq!(again.header("etag"), tag);
}

#[tokio::test]
async fn every_code_is_explained_where_problems_point_to() {
    let server = Server::start();
    let page = server.call("", "GET", "/docs/errors").await.text();
    for code in Code::ALL {
        let anchor = format!("id=\"{}\"", code.spec().name);
        assert!(page.contains(&anchor), "{code}");
    }
}
