//! Pictures of rooms: uploads of real clients, on the disk and in a bucket of a server that speaks
//! S3.

mod kill;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::Instant;

use madang_e2e::http::{self, Response};
use madang_e2e::s3::S3Server;
use madang_e2e::server::{Builder, TestServer};
use madang_e2e::{PATIENCE, binary, program};

/// A picture of one pixel.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\
    \x9cc8\xc1\xc5\x05\0\x02z\0\xddg'B}\0\0\0\0IEND\xaeB`\x82";

const PICTURES: &str = "/api/v1/pictures";

fn upload(server: &TestServer, content: &[u8]) -> Response {
    let token = format!("Bearer {}", server.token("kim@example.com", "user"));
    let headers = [
        ("Authorization", token.as_str()),
        ("Content-Type", "image/png"),
    ];
    http::send(server.address(), "POST", PICTURES, &headers, content)
}

fn link(answer: &Response) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["url"].as_str().unwrap().to_owned()
}

#[track_caller]
fn is_refused(answer: &Response, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.json()["code"], code);
}

/// A server whose pictures are in the bucket, and that has no keys of it.
fn with_bucket(s3: &S3Server, prefix: &str) -> Builder {
    TestServer::builder()
        .env(
            "MADANG_PICTURES__STORE",
            format!("s3://{}/{prefix}", s3.tells("bucket")),
        )
        .env("MADANG_PICTURES__S3_ENDPOINT", s3.tells("endpoint"))
}

fn with_keys(builder: Builder, s3: &S3Server) -> Builder {
    builder
        .env("MADANG_PICTURES__S3_ACCESS_KEY", s3.tells("accessKey"))
        .env("MADANG_PICTURES__S3_SECRET_KEY", s3.tells("secretKey"))
}

#[test]
fn a_picture_outlives_the_server_that_took_it() {
    let mut server = TestServer::start();
    let link = link(&upload(&server, PNG));
    server.kill9();
    server.restart();
    let shown = http::get(server.address(), &link, &[]);
    assert_eq!((shown.status, shown.body.as_slice()), (200, PNG));
    assert_eq!(shown.header("content-type"), Some("image/png"));
}

#[test]
fn a_photo_that_is_too_large_is_told_so_to_a_client_that_is_still_sending() {
    let server = TestServer::start();
    let mut photo = PNG.to_vec();
    photo.resize(8 * 1024 * 1024, 0);
    is_refused(&upload(&server, &photo), 413, "TOO_LARGE");
}

#[test]
fn an_upload_whose_client_goes_away_leaves_nothing() {
    let server = TestServer::builder()
        .flag("--pictures-per-user-per-day-max", 0)
        .start();
    let token = server.token("kim@example.com", "user");
    let head = format!(
        "POST {PICTURES} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: image/png\r\nContent-Length: {}\r\n\r\n",
        PNG.len() + 1
    );
    let streams = [0, 1].map(|_| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(PNG).unwrap();
        stream
    });
    // They are under way while a third is refused, and over once one is not.
    let refused = first(&server, |answer| answer.status != 201);
    is_refused(&refused, 429, "TOO_MANY");
    let before = files(&server);
    for stream in streams {
        stream.shutdown(Shutdown::Both).unwrap();
    }
    first(&server, |answer| answer.status == 201);
    assert_eq!(files(&server), before + 1);
}

#[test]
fn people_who_send_slowly_keep_nobody_else_from_uploading() {
    let server = TestServer::builder()
        .flag("--pictures-uploads-max", 1)
        .start();
    let mut streams = Vec::new();
    for person in 0..4 {
        let token = server.token(&format!("user{person}"), "user");
        let head = format!(
            "POST {PICTURES} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: image/png\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            PNG.len()
        );
        for _ in 0..2 {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            // Said once the body is being read.
            let mut line = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
            stream.read_exact(&mut line).unwrap();
            assert!(line.starts_with(b"HTTP/1.1 100"));
            stream.write_all(&PNG[..1]).unwrap();
            streams.push(stream);
        }
    }
    link(&upload(&server, PNG));
    for mut stream in streams {
        stream.write_all(&PNG[1..]).unwrap();
        let mut line = [0; "HTTP/1.1 201".len()];
        stream.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"HTTP/1.1 201");
        link(&upload(&server, PNG));
    }
}

/// The first answer to an upload that is as wanted.
fn first(server: &TestServer, is_wanted: impl Fn(&Response) -> bool) -> Response {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = upload(server, PNG);
        if is_wanted(&answer) {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "{} again and again",
            answer.status
        );
    }
}

/// How many files of pictures there are, torn ones too.
fn files(server: &TestServer) -> usize {
    let folder = server.data().join("pictures/uploads");
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn curl_and_a_browsers_form_upload_a_picture() {
    let server = TestServer::start();
    let token = format!(
        "Authorization: Bearer {}",
        server.token("kim@example.com", "user")
    );
    let file = server.data().join("me.png");
    fs::write(&file, PNG).unwrap();
    let url = server.url() + PICTURES;
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--fail-with-body", "-H", &token, "-F"])
        .arg(format!("file=@{}", file.display()))
        .arg(&url);
    let mut node = Command::new("node");
    node.arg("-e")
        .arg(BROWSERS_FORM)
        .arg(&url)
        .arg(&token)
        .arg(&file);
    for (name, command) in [("curl", curl), ("node", node)] {
        if !program::is_installed(name) {
            assert!(std::env::var_os("CI").is_none(), "{name} is missing");
            continue;
        }
        let printed = program::run(name, command).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&printed.concat()).unwrap();
        let link = answer["url"].as_str().unwrap();
        let shown = http::get(server.address(), link, &[]);
        assert_eq!((shown.status, shown.body.as_slice()), (200, PNG), "{name}");
    }
}

/// What a page does with the file of its form.
const BROWSERS_FORM: &str = r#"
const [url, token, path] = process.argv.slice(1)
const form = new FormData()
form.append('file', new Blob([require('fs').readFileSync(path)], { type: 'image/png' }), 'me.png')
const [name, value] = token.split(': ')
fetch(url, { method: 'POST', headers: { [name]: value }, body: form })
  .then((response) => response.text()).then(console.log)
"#;

#[test]
fn nodes_with_one_bucket_show_each_others_pictures() {
    let mut s3 = S3Server::start();
    let one = with_keys(with_bucket(&s3, "rooms/pictures"), &s3).start();
    // The keys may come from the environment as other programs have it.
    let other = with_bucket(&s3, "rooms/pictures/")
        .env("AWS_ACCESS_KEY_ID", s3.tells("accessKey"))
        .env("AWS_SECRET_ACCESS_KEY", s3.tells("secretKey"))
        .start();
    let link = link(&upload(&one, PNG));
    let key = link.strip_prefix("/pictures/").unwrap();
    assert_eq!(s3.objects(), [format!("rooms/pictures/uploads/{key}")]);
    for server in [&one, &other] {
        let shown = http::get(server.address(), &link, &[]);
        assert_eq!((shown.status, shown.body.as_slice()), (200, PNG));
        let again = [("If-None-Match", shown.header("etag").unwrap())];
        let again = http::get(server.address(), &link, &again);
        assert_eq!((again.status, again.body.len()), (304, 0));
        let unknown = link.replace(&key[..8], "00000000");
        is_refused(
            &http::get(server.address(), &unknown, &[]),
            404,
            "NOT_FOUND",
        );
    }
}

#[test]
fn what_nobody_used_for_a_day_goes_from_the_bucket() {
    let mut s3 = S3Server::start();
    let mut server = with_keys(with_bucket(&s3, ""), &s3).start();
    link(&upload(&server, PNG));
    s3.age();
    let young = link(&upload(&server, PNG));
    server.kill9();
    server.restart();
    let left = format!("uploads/{}", &young["/pictures/".len()..]);
    s3.wait_for("DELETE");
    assert_eq!(s3.objects(), [left]);
}

#[test]
fn a_bucket_that_refuses_the_keys_is_told_as_unavailable_and_nothing_is_stored() {
    let mut s3 = S3Server::start();
    let secret = "a-secret-of-somebody-else-0123456789";
    for id in [s3.tells("accessKey"), "AKIAUNKNOWN"] {
        let server = with_bucket(&s3, "")
            .env("MADANG_PICTURES__S3_ACCESS_KEY", id)
            .env("MADANG_PICTURES__S3_SECRET_KEY", secret)
            .start();
        is_refused(&upload(&server, PNG), 503, "UNAVAILABLE");
        let link = "/pictures/9f86d081884c7d659a2feaa0c55ad015.png";
        is_refused(&http::get(server.address(), link, &[]), 503, "UNAVAILABLE");
        let log = server.log_lines().join("\n");
        assert!(log.contains("SignatureDoesNotMatch") || log.contains("InvalidAccessKeyId"));
        let kept_quiet = [secret, "<Error>", ".png"];
        assert!(kept_quiet.iter().all(|text| !log.contains(text)), "{log}");
    }
    assert!(s3.objects().is_empty());
}

#[test]
fn a_bucket_whose_server_is_gone_is_told_as_unavailable_and_the_rest_goes_on() {
    let mut s3 = S3Server::start();
    let server = with_keys(with_bucket(&s3, ""), &s3).start();
    let link = link(&upload(&server, PNG));
    s3.kill();
    is_refused(&upload(&server, PNG), 503, "UNAVAILABLE");
    is_refused(&http::get(server.address(), &link, &[]), 503, "UNAVAILABLE");
    assert_eq!(http::get(server.address(), "/readyz", &[]).status, 200);
}

/// The store's own suite, which its package runs on a folder.
#[test]
fn the_store_keeps_its_promises_on_s3() {
    let s3 = S3Server::start();
    let mut suite = binary::cargo();
    suite
        .args([
            "test",
            "--quiet",
            "--package",
            "madang-server",
            "--lib",
            "--",
        ])
        .arg("pictures::tests::on_every_store")
        .env("MADANG_TEST_S3", s3.description().to_string());
    let output = suite.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{errors}");
    assert!(!printed.contains(" 0 passed"), "{printed}");
}
