//! Open rooms: making, listing, editing, ending, what was said there.

use madang_domain::{RoomAction, RoomKind, UserId};
use madang_engine::RoomPlan;
use serde_json::json;

use super::super::fixture::{Server, caller};
use super::{
    JSON, KIM, LEE, MULTIPART, PARK, URLENCODED, form, is_said, json_of, open_room, room_of,
};

#[tokio::test]
async fn an_open_room_is_made_from_a_form_of_any_encoding_and_listed_the_newest_first() {
    let server = Server::start();
    let field = |name: &str, value: &str| {
        format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let multipart = field("title", "하나") + &field("content", "산책") + "--X--\r\n";
    let urlencoded = serde_urlencoded::to_string([("title", "둘"), ("content", "")]).unwrap();
    let mut numbers = Vec::new();
    for encoded in [
        (MULTIPART, multipart),
        (URLENCODED, urlencoded),
        (JSON, r#"{"title":"셋"}"#.to_owned()),
    ] {
        let made = form(&server, KIM, ("POST", "/api/openchat"), encoded).await;
        is_said(&made, 201, "오픈채팅방 생성 성공");
        let path = made.header("location");
        numbers.push(
            path.strip_prefix("/api/openchat/")
                .unwrap()
                .parse::<u64>()
                .unwrap(),
        );
    }
    let room = |at: usize, title, content| json!({"id": numbers[at], "title": title, "content": content, "username": "Choco"});
    assert_eq!(
        json_of(&server, LEE, "/api/openchat").await,
        json!({"chatRoomList": [room(2, "셋", ""), room(1, "둘", ""), room(0, "하나", "산책")]})
    );
    let path = format!("/api/openchat/{}", numbers[0]);
    assert_eq!(json_of(&server, LEE, &path).await, room(0, "하나", "산책"));
}

#[tokio::test]
async fn only_its_owner_changes_and_deletes_an_open_room() {
    let server = Server::start();
    let path = open_room(&server, KIM, "하나").await;
    let change = || (URLENCODED, "title=%EB%91%98".to_owned());
    for token in [LEE, "admin/root"] {
        let refused = form(&server, token, ("PUT", &path), change()).await;
        is_said(&refused, 403, "채팅방에 접근할 수 없습니다.");
        let refused = server.call(token, "DELETE", &path).await;
        is_said(&refused, 403, "채팅방에 접근할 수 없습니다.");
    }
    let room = room_of(&server, &path).await;
    server.engine.join_room(&caller(LEE), &room).await.unwrap();
    let refused = form(&server, LEE, ("PUT", &path), change()).await;
    is_said(&refused, 403, "방장만 할 수 있습니다.");
    let refused = server.call(LEE, "DELETE", &path).await;
    is_said(&refused, 403, "방장만 할 수 있습니다.");

    let changed = form(&server, KIM, ("PUT", &path), change()).await;
    is_said(&changed, 200, "오픈채팅방 수정 성공");
    let now = json_of(&server, LEE, &path).await;
    assert_eq!(
        (&now["title"], &now["content"]),
        (&json!("둘"), &json!("매일 저녁"))
    );
    let gone = server.call(KIM, "DELETE", &path).await;
    is_said(&gone, 200, "오픈채팅방 삭제 성공");
    let missing = server.call(KIM, "GET", &path).await;
    is_said(&missing, 404, "존재하지 않는 채팅방입니다.");
}

#[tokio::test]
async fn a_form_that_makes_no_room_is_refused_in_the_contracts_words() {
    let server = Server::start();
    let forms = [
        (JSON, r#"{"content":"x"}"#, "잘못된 요청입니다."),
        (JSON, "x", "잘못된 요청입니다."),
        ("text/plain", "title=x", "잘못된 요청입니다."),
        (URLENCODED, "title=+&content=x", "제목을 입력해 주세요."),
    ];
    for (content_type, body, msg) in forms {
        let encoded = (content_type, body.to_owned());
        let refused = form(&server, KIM, ("POST", "/api/openchat"), encoded).await;
        is_said(&refused, 400, msg);
    }
    let long = (URLENCODED, format!("title={}", "x".repeat(513)));
    let refused = form(&server, KIM, ("POST", "/api/openchat"), long).await;
    is_said(&refused, 400, "잘못된 요청입니다.");
}

#[tokio::test]
async fn a_rooms_number_opens_nothing_but_open_rooms() {
    let server = Server::start();
    let plan = RoomPlan {
        kind: RoomKind::Group,
        profile: madang_domain::Profile::default(),
        members: Vec::new(),
        owner: None,
    };
    let (group, _) = server.engine.create_room(&caller(KIM), plan).await.unwrap();
    let path = format!("/api/openchat/{}", group.number);
    let history = format!("/api/openchat/room/{}", group.number);
    for token in [KIM, LEE, "admin/root"] {
        for (method, path) in [
            ("GET", &path),
            ("PUT", &path),
            ("DELETE", &path),
            ("GET", &history),
        ] {
            let refused = form(
                &server,
                token,
                (method, path),
                (URLENCODED, "title=x".into()),
            );
            is_said(&refused.await, 404, "존재하지 않는 채팅방입니다.");
        }
    }
}

#[tokio::test]
async fn a_history_is_the_newest_thousand_messages_oldest_first_under_the_senders_names() {
    let server = Server::start();
    let path = open_room(&server, KIM, "하나").await;
    let number = path.rsplit('/').next().unwrap();
    let room = room_of(&server, &path).await;
    server.engine.join_room(&caller(PARK), &room).await.unwrap();
    for text in 0..1_001 {
        server
            .send([KIM, PARK][text % 2], &room, &text.to_string())
            .await;
    }
    let history = json_of(&server, LEE, &format!("/api/openchat/room/{number}")).await;
    let list = history["chatList"].as_array().unwrap();
    assert_eq!(list.len(), 1_000);
    assert_eq!(list[0]["message"], "1");
    assert_eq!(list[0]["sender"], "park");
    let last = list.last().unwrap();
    assert_eq!(last["message"], "1000");
    assert_eq!(
        (&last["sender"], &last["roomId"]),
        (&json!("Choco"), &json!(number))
    );
    let at = last["createdAt"].as_str().unwrap();
    assert_eq!((at.len(), at.as_bytes()[10]), (26, b'T'), "{at}");
    let keys: Vec<_> = last.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["createdAt", "message", "roomId", "sender"]);
}

#[tokio::test]
async fn whoever_was_removed_from_an_open_room_sees_it_no_more() {
    let server = Server::start();
    let path = open_room(&server, KIM, "하나").await;
    let room = room_of(&server, &path).await;
    server.engine.join_room(&caller(LEE), &room).await.unwrap();
    let remove = RoomAction::Remove(UserId::new("lee").unwrap());
    server
        .engine
        .change_room(&caller(KIM), &room, remove)
        .await
        .unwrap();
    let refused = server.call(LEE, "GET", &path).await;
    is_said(&refused, 403, "채팅방에 접근할 수 없습니다.");
}
