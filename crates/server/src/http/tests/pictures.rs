//! Uploads and their links, on a folder.

use std::convert::Infallible;
use std::fs;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use futures_util::stream;
use madang_domain::Code;
use serde_json::json;
use tokio::sync::mpsc;

use super::fixture::{Answer, Server, request};

/// A picture of one pixel.
pub(super) const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\
    \x9cc8\xc1\xc5\x05\0\x02z\0\xddg'B}\0\0\0\0IEND\xaeB`\x82";

const KIM: &str = "user/kim";
const PICTURES: &str = "/api/v1/pictures";
const BOUNDARY: &str = "multipart/form-data; boundary=X";

impl Server {
    /// The key of a new picture.
    pub(super) async fn upload(&self, token: &str, content: &[u8]) -> String {
        let answer = self.post_picture(token, "image/png", content).await;
        let body = answer.is(StatusCode::CREATED).json();
        let link = body["url"].as_str().unwrap();
        assert_eq!(answer.header("location"), link);
        link.strip_prefix("/pictures/").unwrap().to_owned()
    }

    pub(super) async fn post_picture(
        &self,
        token: &str,
        content_type: &str,
        body: &[u8],
    ) -> Answer {
        let request = request(token, "POST", PICTURES).header(header::CONTENT_TYPE, content_type);
        let body = Body::from(Bytes::copy_from_slice(body));
        self.ask(request.body(body).unwrap()).await
    }

    /// How many files there are, torn ones too.
    fn pictures(&self) -> usize {
        let folder = self.directory().join("pictures/uploads");
        fs::read_dir(folder).map_or(0, Iterator::count)
    }
}

/// A form of these parts: what stands behind `form-data`, and the content.
fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, content) in parts {
        let head = format!("--X\r\nContent-Disposition: form-data{head}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--X--\r\n");
    body
}

#[tokio::test]
async fn an_uploaded_picture_is_shown_to_everybody_who_has_its_link() {
    let server = Server::start();
    let forms = [
        "; name=\"file\"; filename=\"me.png\"\r\nContent-Type: image/png",
        // What the client says of the file counts for nothing.
        "; name=\"file\"; filename=\"../../x.svg\"\r\nContent-Type: image/svg+xml",
    ];
    let mut keys = vec![
        server.upload(KIM, PNG).await,
        server.upload("service/shop", PNG).await,
    ];
    for head in forms {
        let answer = server
            .post_picture(KIM, BOUNDARY, &form(&[(head, PNG)]))
            .await;
        let link = answer.is(StatusCode::CREATED).json()["url"].clone();
        keys.push(link.as_str().unwrap()["/pictures/".len()..].to_owned());
    }
    for key in keys {
        let shown = server.call("", "GET", &format!("/pictures/{key}")).await;
        assert_eq!(shown.is(StatusCode::OK).body, PNG);
        for (name, value) in [
            ("content-type", "image/png"),
            ("content-length", "69"),
            ("x-content-type-options", "nosniff"),
            ("content-disposition", "inline"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cache-control", "public, max-age=31536000, immutable"),
        ] {
            assert_eq!(shown.header(name), value);
        }
        let head = server.call("", "HEAD", &format!("/pictures/{key}")).await;
        assert_eq!(head.is(StatusCode::OK).header("content-length"), "69");
        assert!(head.body.is_empty());
    }
}

#[tokio::test]
async fn a_client_that_has_the_picture_gets_it_only_once() {
    let server = Server::start();
    let key = server.upload(KIM, PNG).await;
    let path = format!("/pictures/{key}");
    let tag = server
        .call("", "GET", &path)
        .await
        .header("etag")
        .to_owned();
    let ask = async |tags: &str| {
        let asked = request("", "GET", &path).header(header::IF_NONE_MATCH, tags);
        server.ask(asked.body(Body::empty()).unwrap()).await
    };
    for tags in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let answer = ask(&tags).await;
        assert!(answer.is(StatusCode::NOT_MODIFIED).body.is_empty());
        assert_eq!(answer.header("etag"), tag);
    }
    ask("\"x\"").await.is(StatusCode::OK);
    let key = crate::pictures::PictureKey::parse(&key).unwrap();
    server.state().pictures.delete(&key).await.unwrap();
    ask(&tag).await.is_problem(Code::NotFound);
}

#[tokio::test]
async fn a_link_leads_to_a_picture_and_to_no_other_file() {
    let server = Server::start();
    let key = server.upload(KIM, PNG).await;
    fs::write(server.directory().join("secret.png"), PNG).unwrap();
    for path in [
        "9f86d081884c7d659a2feaa0c55ad015.png".to_owned(),
        format!("{key}%231"),
        format!("{key}%00"),
        format!("..%2Funused%2F{key}"),
        format!("unused%2F{key}"),
        format!("unused/{key}"),
        format!("./{key}"),
        format!("{key}/"),
        key.to_uppercase(),
        key.replace(".png", ".gif"),
        "..%2F..%2Fsecret.png".to_owned(),
        "..%5C..%5Csecret.png".to_owned(),
        "%2Fetc%2Fpasswd".to_owned(),
        "%ff".to_owned(),
        "..".to_owned(),
    ] {
        let answer = server.call("", "GET", &format!("/pictures/{path}")).await;
        answer.is_problem(Code::NotFound);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn what_is_no_form_with_one_picture_is_refused_and_nothing_is_stored() {
    let server = Server::start();
    let file = "; name=\"file\"; filename=\"x.png\"";
    let whole = form(&[(file, PNG)]);
    for (content_type, body) in [
        ("application/json", b"{}".to_vec()),
        ("text/plain", PNG.to_vec()),
        ("image/png", b"no picture".to_vec()),
        (
            "image/svg+xml",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
        ),
        ("image/png", Vec::new()),
        ("multipart/form-data", whole.clone()),
        (BOUNDARY, PNG.to_vec()),
        (BOUNDARY, Vec::new()),
        (BOUNDARY, form(&[])),
        (BOUNDARY, form(&[(file, b"no picture")])),
        (
            BOUNDARY,
            form(&[("; name=\"other\"; filename=\"x.png\"", PNG)]),
        ),
        (BOUNDARY, form(&[("; name=\"file\"", PNG)])),
        (BOUNDARY, form(&[("", PNG)])),
        (BOUNDARY, form(&[(file, PNG), ("; name=\"title\"", b"x")])),
        (BOUNDARY, whole[..whole.len() - 10].to_vec()),
        ("multipart/form-data; boundary=Y", whole),
    ] {
        let answer = server.post_picture(KIM, content_type, &body).await;
        answer.is_problem(Code::BodyInvalid);
    }
    let two = form(&[(file, PNG), (file, PNG)]);
    let refused = server.post_picture(KIM, BOUNDARY, &two).await;
    let problem = refused.is_problem(Code::BodyInvalid);
    assert!(problem["detail"].as_str().unwrap().contains("more fields"));
    let plain = request(KIM, "POST", PICTURES).body(Body::from(PNG));
    let answer = server.ask(plain.unwrap()).await;
    answer.is_problem(Code::BodyInvalid);
    assert_eq!(server.pictures(), 0);
}

#[tokio::test]
async fn a_picture_that_is_too_large_is_refused_while_it_is_read() {
    let server = Server::with_pictures(&[("bytes_max", "2048")]);
    let mut content = PNG.to_vec();
    content.resize(2048, 0);
    let file = "; name=\"file\"; filename=\"x.png\"";
    server.upload(KIM, &content).await;
    let fits = server
        .post_picture(KIM, BOUNDARY, &form(&[(file, &content)]))
        .await;
    fits.is(StatusCode::CREATED);
    for length in [2049, 100_000] {
        content.resize(length, 0);
        for (content_type, body) in [
            ("image/png", content.clone()),
            (BOUNDARY, form(&[(file, &content)])),
        ] {
            let answer = server.post_picture(KIM, content_type, &body).await;
            let problem = answer.is_problem(Code::TooLarge);
            assert_eq!(problem["detail"], "a picture has at most 2048 bytes");
        }
    }
    // Without a length, and without an end: only a reader that stops gets through.
    let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[0; 1 << 16])));
    let endless = request(KIM, "POST", PICTURES)
        .header(header::CONTENT_TYPE, "image/png")
        .body(Body::from_stream(endless));
    let answer = server.ask(endless.unwrap()).await;
    answer.is_problem(Code::TooLarge);
    assert_eq!(server.pictures(), 2);
}

#[tokio::test]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let server = Server::start();
    let file = "; name=\"file\"; filename=\"x.png\"";
    for (content_type, body) in [
        ("image/png", PNG.to_vec()),
        (BOUNDARY, form(&[(file, PNG)])),
    ] {
        let cut = [Ok(Bytes::from(body)), Err(std::io::Error::other("gone"))];
        let body = Body::from_stream(stream::iter(cut));
        let request = request(KIM, "POST", PICTURES).header(header::CONTENT_TYPE, content_type);
        let answer = server.ask(request.body(body).unwrap()).await;
        answer.is_problem(Code::BodyInvalid);
    }
    assert_eq!(server.pictures(), 0);
}

#[tokio::test]
async fn one_upload_too_many_of_a_person_is_refused_before_it_is_read() {
    let server = Server::with_pictures(&[("per_user_per_day_max", "2")]);
    for _ in 0..2 {
        server.upload(KIM, PNG).await;
    }
    let refused = server.post_picture(KIM, "image/png", PNG).await;
    refused.is_problem(Code::TooMany);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    let hour = 60 * 60;
    assert!((24 * hour..=25 * hour).contains(&wait), "{wait}");
    let state = server.state();
    let lee = super::fixture::caller("user/lee");
    let under_way = [0, 1].map(|_| state.pictures.begin(&lee).unwrap());
    let never = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    let request = request("user/lee", "POST", PICTURES).header(header::CONTENT_TYPE, "image/png");
    let refused = server.ask(request.body(never).unwrap()).await;
    refused.is_problem(Code::TooMany);
    drop(under_way);
    let server = Server::with_pictures(&[]);
    for _ in 0..3 {
        server.upload("user/lee", PNG).await;
    }
}

#[tokio::test]
async fn a_slow_sender_keeps_nobody_from_uploading() {
    let server = Server::with_pictures(&[("uploads_max", "1")]);
    let (more, pieces) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    let pieces = stream::unfold(pieces, |mut pieces| async move {
        pieces.recv().await.map(|piece| (piece, pieces))
    });
    let slow = request(KIM, "POST", PICTURES)
        .header(header::CONTENT_TYPE, "image/png")
        .body(Body::from_stream(pieces))
        .unwrap();
    let sending = async {
        let (head, rest) = PNG.split_at(10);
        // Once there is room for another, the first is being read.
        for piece in head.chunks(5) {
            more.send(Ok(Bytes::from_static(piece))).await.unwrap();
        }
        for _ in 0..3 {
            server.upload("user/lee", PNG).await;
        }
        more.send(Ok(Bytes::from_static(rest))).await.unwrap();
        drop(more);
    };
    let (answer, ()) = tokio::join!(server.ask(slow), sending);
    answer.is(StatusCode::CREATED);
    assert_eq!(server.pictures(), 4);
}

#[tokio::test]
async fn what_came_of_slow_senders_is_bounded_in_all() {
    let server = Server::with_pictures(&[("uploads_max", "1")]);
    let state = server.state();
    let mut slow = state.pictures.begin(&super::fixture::caller(KIM)).unwrap();
    slow.hold(state.pictures.bytes_max()).unwrap();
    let mut content = PNG.to_vec();
    content.resize(16 * 1024, 0);
    let refused = server.post_picture("user/lee", "image/png", &content).await;
    refused.is_problem(Code::Overloaded);
    drop(slow);
    server.upload("user/lee", &content).await;
}

#[tokio::test]
async fn without_uploads_there_is_no_such_route_and_what_is_there_is_shown() {
    let server = Server::with_pictures(&[("upload", "false")]);
    let answer = server.post_picture(KIM, "image/png", PNG).await;
    answer.is_problem(Code::NotFound);
    let key = "9f86d081884c7d659a2feaa0c55ad015.png";
    let folder = server.directory().join("pictures/uploads");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(key), PNG).unwrap();
    let shown = server.call("", "GET", &format!("/pictures/{key}")).await;
    assert_eq!(shown.is(StatusCode::OK).body, PNG);
    let document = server.call("", "GET", "/openapi.json").await.json();
    assert_eq!(document["paths"][PICTURES], json!(null));
}

#[tokio::test]
async fn a_store_that_fails_is_told_as_unavailable() {
    let server = Server::start();
    // A file where the folder should be.
    let folder = server.directory().join("pictures");
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "x").unwrap();
    let answer = server.post_picture(KIM, "image/png", PNG).await;
    answer.is_problem(Code::Unavailable);
    let key = "9f86d081884c7d659a2feaa0c55ad015.png";
    let answer = server.call("", "GET", &format!("/pictures/{key}")).await;
    answer.is_problem(Code::Unavailable);
}
