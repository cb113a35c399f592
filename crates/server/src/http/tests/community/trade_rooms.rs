//! Trade rooms: opening one about an item, finding it, and who gets in.

use axum::http::StatusCode;
use madang_domain::{Code, RoomId};
use serde_json::{Value, json};

use super::super::fixture::{Answer, Server};
use super::{KIM, LEE, PARK, SHOP, URLENCODED, form, is_said, json_of};

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
async fn a_trade_room_that_names_others_than_its_two_is_none() {
    let server = Server::start();
    let forged = json!({"trade": 77, "buyer": "kim", "seller": "lee"});
    let body = json!({"kind": "direct", "owner": "park", "members": ["lee"], "context": forged});
    let made = server.say(SHOP, ("POST", "/api/v1/host/rooms"), body).await;
    let room = made.is(StatusCode::CREATED).json();
    let path = format!("/api/tradechat/room/{}", room["id"].as_str().unwrap());
    for token in [LEE, PARK] {
        assert!(trades(&server, token).await.is_empty(), "{token}");
        for path in [&*path, "/api/tradechat/room/77"] {
            let missing = server.call(token, "GET", path).await;
            is_said(&missing, 404, "존재하지 않는 채팅방입니다.");
        }
    }
}

#[tokio::test]
async fn who_makes_a_trade_room_is_its_buyer_and_the_other_one_its_seller() {
    let server = Server::start();
    let make = async |token: &str, buyer: &str, seller: &str| {
        let context = json!({"trade": 77, "buyer": buyer, "seller": seller, "stock": 3});
        let body = json!({"kind": "direct", "members": ["lee"], "context": context});
        server.say(token, ("POST", "/api/v1/rooms"), body).await
    };
    for (buyer, seller) in [
        ("lee", "kim"),
        ("park", "lee"),
        ("kim", "park"),
        ("kim", "kim"),
    ] {
        let refused = make(KIM, buyer, seller).await;
        let problem = refused.is_problem(Code::BodyInvalid);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("buyer"), "{detail}");
    }
    assert!(trades(&server, LEE).await.is_empty());
    make(KIM, "kim", "lee").await.is(StatusCode::CREATED);
    assert_eq!(trades(&server, LEE).await.len(), 1);
    make("admin/root", "kim", "lee")
        .await
        .is_problem(Code::BodyInvalid);
}
