//! Contract 2 over REST, byte for byte where its clients read it.

use axum::body::Body;
use axum::http::{StatusCode, header};
use madang_domain::{Code, Notification, RoomAction, RoomId, RoomKind, UserId};
use madang_engine::RoomPlan;
use serde_json::{Value, json};

use super::fixture::{Answer, Server, caller, request};

const KIM: &str = "user/kim/Choco";
const LEE: &str = "user/lee/Kong";
const PARK: &str = "user/park";
const SHOP: &str = "service:all/shop";

const MULTIPART: &str = "multipart/form-data; boundary=X";
const URLENCODED: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[track_caller]
fn is_said(answer: &Answer, status: u16, msg: &str) {
    assert_eq!(
        answer.text(),
        format!(r#"{{"msg":"{msg}","statusCode":{status}}}"#)
    );
    assert_eq!(answer.status, status);
    assert_eq!(answer.header("content-type"), "application/json");
}

async fn form(
    server: &Server,
    token: &str,
    (method, path): (&str, &str),
    (content_type, body): (&str, String),
) -> Answer {
    let request = request(token, method, path).header(header::CONTENT_TYPE, content_type);
    server.ask(request.body(Body::from(body)).unwrap()).await
}

/// Makes an open room; answers its path.
async fn open_room(server: &Server, token: &str, title: &str) -> String {
    let body = json!({"title": title, "content": "매일 저녁"}).to_string();
    let answer = server.post(token, "/api/openchat", &body).await;
    is_said(&answer, 201, "오픈채팅방 생성 성공");
    answer.header("location").to_owned()
}

async fn room_of(server: &Server, path: &str) -> RoomId {
    let number = path.rsplit('/').next().unwrap().parse().unwrap();
    let kim = caller(KIM);
    let view = server.engine.view_room_by_number(&kim, number).await;
    view.unwrap().room.id
}

async fn json_of(server: &Server, token: &str, path: &str) -> Value {
    let answer = server.call(token, "GET", path).await;
    answer.is(StatusCode::OK).json()
}

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
async fn what_cannot_be_done_is_said_in_the_contracts_words() {
    let server = Server::start();
    let path = open_room(&server, KIM, "하나").await;
    let [closed, missing, odd] = [
        (403, "채팅방에 접근할 수 없습니다."),
        (404, "존재하지 않는 채팅방입니다."),
        (400, "잘못된 요청입니다."),
    ];
    for (token, request, (status, msg)) in [
        ("", "GET /api/openchat", (401, "로그인이 필요합니다.")),
        (
            "expired",
            &*format!("GET {path}"),
            (401, "만료된 토큰입니다."),
        ),
        (
            "x",
            "GET /api/tradechat",
            (401, "유효하지 않은 토큰입니다."),
        ),
        (SHOP, "GET /api/notifications", closed),
        (SHOP, "GET /api/notifications/connect", closed),
        (KIM, "GET /api/openchat/4711", missing),
        (KIM, "GET /api/openchat/room/4711", missing),
        (KIM, "GET /api/tradechat/room/77", missing),
        (KIM, "GET /api/openchat/x", odd),
        (KIM, "DELETE /api/openchat/007", odd),
        (KIM, "GET /api/openchat/99999999999999999999", odd),
        (KIM, "DELETE /api/notifications/0", odd),
        (
            KIM,
            "PATCH /api/notifications/1",
            (404, "존재하지 않는 알림입니다."),
        ),
    ] {
        let (method, path) = request.split_once(' ').unwrap();
        let refused = server.call(token, method, path).await;
        is_said(&refused, status, msg);
        let asks = refused.header("www-authenticate") == "Bearer";
        assert_eq!(asks, status == 401, "{path}");
    }
    let counted = server.seen.1.lock().unwrap().len();
    assert_eq!(counted, 13, "each refusal is counted");
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
    for method in ["GET", "DELETE"] {
        let refused = server.call(KIM, method, &path).await;
        is_said(&refused, 404, "존재하지 않는 채팅방입니다.");
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

async fn open_trade(server: &Server, token: &str, item: &str, seller: &str) -> Answer {
    let body = format!("sellerId={seller}");
    form(
        server,
        token,
        ("POST", &format!("/api/tradechat/{item}")),
        (URLENCODED, body),
    )
    .await
}

async fn trades(server: &Server, token: &str) -> Vec<Value> {
    let list = json_of(server, token, "/api/tradechat").await;
    list["tradeChatRoomList"].as_array().unwrap().clone()
}

fn id_of(trade: &Value) -> &str {
    trade["roomId"].as_str().unwrap()
}

#[tokio::test]
async fn a_buyer_has_one_room_for_each_item_and_its_seller_is_told_once() {
    let server = Server::start();
    let unknown = server.call(KIM, "POST", "/api/tradechat/77").await;
    is_said(
        &unknown,
        400,
        "판매자를 알 수 없습니다. sellerId를 보내 주세요.",
    );
    let own = open_trade(&server, KIM, "77", "kim").await;
    is_said(&own, 400, "판매자와 구매자가 같습니다.");

    let made = open_trade(&server, KIM, "77", "lee").await;
    is_said(&made, 201, "거래 채팅방 생성 성공");
    for repeat in [
        open_trade(&server, KIM, "77", "lee").await,
        server.call(KIM, "POST", "/api/tradechat/77").await,
        server
            .post(KIM, "/api/tradechat/77", r#"{"sellerId":"lee"}"#)
            .await,
    ] {
        is_said(&repeat, 200, "이미 있는 거래 채팅방입니다.");
    }
    let rooms = trades(&server, KIM).await;
    assert_eq!(rooms.len(), 1);
    let room = id_of(&rooms[0]).to_owned();
    assert_eq!(
        rooms[0],
        json!({"tradeId": 77, "buyerId": "kim", "sellerId": "lee", "roomId": room})
    );
    assert_eq!(
        made.header("location"),
        format!("/api/tradechat/room/{room}")
    );
    assert_eq!(trades(&server, LEE).await, rooms);
    assert!(trades(&server, PARK).await.is_empty());

    let told = json_of(&server, LEE, "/api/notifications").await;
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["type"], "trade.opened");
    assert_eq!(told[0]["content"], "Choco님이 거래 채팅을 시작했습니다.");
    assert_eq!(told[0]["url"], format!("/tradechat/{room}"));
    assert_eq!(told[0]["isRead"], false);

    open_trade(&server, KIM, "shoes-1", "lee").await;
    let names: Vec<_> = trades(&server, KIM).await;
    assert_eq!(names[0]["tradeId"], "shoes-1", "no number");
    assert_eq!(names.len(), 2, "another item is another room");
}

#[tokio::test]
async fn a_trade_room_that_the_host_made_needs_no_seller_from_its_buyer() {
    let server = Server::start();
    let context = json!({"trade": 77, "buyer": "kim", "seller": "lee"});
    let body = json!({"kind": "direct", "owner": "kim", "members": ["lee"], "context": context});
    let made = server
        .post(SHOP, "/api/v1/host/rooms", &body.to_string())
        .await;
    let room = made.is(StatusCode::CREATED).json();
    let found = server.call(KIM, "POST", "/api/tradechat/77").await;
    is_said(&found, 200, "이미 있는 거래 채팅방입니다.");
    let rooms = trades(&server, KIM).await;
    assert_eq!(rooms.len(), 1);
    assert_eq!(rooms[0]["roomId"], room["id"]);
    assert_eq!(rooms[0]["tradeId"], 77);
    // The seller is no buyer.
    let unknown = server.call(LEE, "POST", "/api/tradechat/77").await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn a_seller_with_several_buyers_names_the_room_and_nothing_is_guessed() {
    let server = Server::start();
    open_trade(&server, KIM, "77", "lee").await;
    open_trade(&server, PARK, "77", "lee").await;
    let rooms = trades(&server, LEE).await;
    assert_eq!(rooms.len(), 2);
    for (method, path) in [
        ("GET", "/api/tradechat/room/77"),
        ("DELETE", "/api/tradechat/77"),
    ] {
        let several = server.call(LEE, method, path).await;
        assert_eq!(several.status, 409);
        let said = several.json();
        assert_eq!(said["statusCode"], 409);
        for room in &rooms {
            assert!(
                said["msg"].as_str().unwrap().contains(id_of(room)),
                "{said}"
            );
        }
    }
    assert_eq!(trades(&server, LEE).await.len(), 2, "nothing was deleted");

    let kims = trades(&server, KIM).await;
    let kims = id_of(&kims[0]);
    server
        .send(KIM, &RoomId::new(kims).unwrap(), "아직 있나요?")
        .await;
    let by_item = json_of(&server, KIM, "/api/tradechat/room/77").await;
    let by_id = json_of(&server, LEE, &format!("/api/tradechat/room/{kims}")).await;
    assert_eq!(by_item["chatList"][0]["roomId"], "77");
    assert_eq!(by_id["chatList"][0]["roomId"], kims);
    for history in [by_item, by_id] {
        assert_eq!(history["chatList"][0]["message"], "아직 있나요?");
        assert_eq!(history["chatList"][0]["sender"], "Choco");
    }
}

#[tokio::test]
async fn nobody_but_its_two_gets_into_a_trade_room_and_either_deletes_it() {
    let server = Server::start();
    for deleter in [KIM, LEE] {
        open_trade(&server, KIM, "77", "lee").await;
        let room = id_of(&trades(&server, KIM).await[0]).to_owned();
        for stranger in [PARK, "admin/root", "agent/choi"] {
            for (method, path) in [
                ("GET", "/api/tradechat/room/"),
                ("DELETE", "/api/tradechat/"),
            ] {
                let refused = server
                    .call(stranger, method, &format!("{path}{room}"))
                    .await;
                is_said(&refused, 403, "채팅방에 접근할 수 없습니다.");
                let refused = server.call(stranger, method, &format!("{path}77")).await;
                is_said(&refused, 404, "존재하지 않는 채팅방입니다.");
            }
        }
        let gone = server.call(deleter, "DELETE", "/api/tradechat/77").await;
        is_said(&gone, 200, "거래 채팅방 삭제 성공");
        assert!(trades(&server, KIM).await.is_empty());
        assert!(trades(&server, LEE).await.is_empty());
    }
}

#[tokio::test]
async fn notifications_are_listed_newest_first_marked_and_deleted_one_by_one() {
    let server = Server::start();
    let path = "/api/notifications";
    assert_eq!(json_of(&server, KIM, path).await, json!([]));
    let shop = UserId::new("shop").unwrap();
    for text in ["하나", "둘", "셋"] {
        let notification = Notification {
            kind: "order.shipped".into(),
            content: text.into(),
            url: (text == "하나").then(|| "/orders/1".into()),
            data: None,
        };
        let users = vec![UserId::new("kim").unwrap()];
        server
            .engine
            .notify(&shop, users, notification, None)
            .await
            .unwrap();
    }
    let list = async || {
        json_of(&server, KIM, path)
            .await
            .as_array()
            .unwrap()
            .clone()
    };
    let texts = |list: &[Value]| -> Vec<String> {
        list.iter()
            .map(|one| one["content"].as_str().unwrap().to_owned())
            .collect()
    };
    let before = list().await;
    assert_eq!(texts(&before), ["셋", "둘", "하나"]);
    assert_eq!(
        (&before[0]["url"], &before[2]["url"]),
        (&Value::Null, &json!("/orders/1"))
    );
    let keys: Vec<_> = before[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["content", "createdAt", "id", "isRead", "type", "url"]
    );

    let second = format!("{path}/{}", before[1]["id"]);
    for _ in 0..2 {
        let read = server.call(KIM, "PATCH", &second).await;
        is_said(&read, 200, "알림 읽음 처리 성공");
    }
    let flags: Vec<_> = list()
        .await
        .iter()
        .map(|one| one["isRead"].clone())
        .collect();
    assert_eq!(flags, [json!(false), json!(true), json!(false)]);

    for token in [LEE, "admin/root"] {
        let missing = server.call(token, "DELETE", &second).await;
        is_said(&missing, 404, "존재하지 않는 알림입니다.");
    }
    let gone = server.call(KIM, "DELETE", &second).await;
    is_said(&gone, 200, "알림 삭제 성공");
    assert_eq!(texts(&list().await), ["셋", "하나"]);
    for method in ["PATCH", "DELETE"] {
        let missing = server.call(KIM, method, &second).await;
        is_said(&missing, 404, "존재하지 않는 알림입니다.");
    }
}

#[tokio::test]
async fn an_answer_of_the_stream_of_notifications_is_one_whatever_id_comes_back() {
    let server = Server::start();
    for last in [
        "",
        "kim_1696436490123",
        "lee_1696436490123456000000000000001",
        "\u{d55c}",
    ] {
        let request =
            request(KIM, "GET", "/api/notifications/connect").header("last-event-id", last);
        let answer = server.ask(request.body(Body::empty()).unwrap()).await;
        answer.is(StatusCode::OK);
        assert_eq!(answer.header("content-type"), "text/event-stream");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_contract_that_is_off_is_not_there() {
    let server = Server::start_with(false, true);
    for path in [
        "/api/openchat",
        "/api/tradechat",
        "/api/notifications",
        "/api/notifications/connect",
    ] {
        server
            .call(KIM, "GET", path)
            .await
            .is_problem(Code::NotFound);
    }
}
