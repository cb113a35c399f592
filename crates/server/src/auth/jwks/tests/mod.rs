pub(crate) mod host;
mod key_set;

use std::time::Duration;

use jsonwebtoken::Algorithm;
use madang_domain::Code;

use super::source::Source;
use super::*;
use crate::auth::tests::hosts::{Host, elliptic};
use host::{Answer, HostServer};

const NEVER: Duration = Duration::from_secs(3600);

/// Every unknown key is fetched, and nothing is unasked.
const WHEN_ASKED: Pace = Pace {
    refresh: NEVER,
    floor: Duration::ZERO,
};

fn at(url: &str, pace: Pace) -> Jwks {
    let source = Source::of_address(url).unwrap();
    let jwks = Jwks::new(source, pace, Fetched::default());
    jwks.start();
    jwks
}

fn head(kid: &str) -> Head {
    Head {
        alg: Algorithm::ES256,
        kid: Some(kid.to_owned()),
    }
}

fn keys(host: &Host, kids: &[&str]) -> Answer {
    Answer::Keys(kids.iter().map(|kid| host.jwk(kid)).collect())
}

/// Waits as a token does, and tells what became of it.
async fn ask(jwks: &Jwks, kid: &str) -> Result<(), Code> {
    if let Some(fetched) = jwks.wait_for(&head(kid)) {
        fetched.await;
    }
    known(jwks, kid)
}

fn known(jwks: &Jwks, kid: &str) -> Result<(), Code> {
    jwks.find(&head(kid))
        .map(drop)
        .map_err(|error| error.code())
}

/// Waits for the end of so many fetches.
async fn fetched(jwks: &Jwks, count: u64) {
    let mut fetched = jwks.fetched.clone();
    let wanted = fetched.wait_for(|fetched| fetched.count >= count);
    wanted.await.unwrap();
}

#[tokio::test]
async fn the_first_tokens_wait_for_the_first_fetch_and_later_ones_for_nothing() {
    let key = elliptic("ES256");
    let host = HostServer::start(keys(&key, &["a"])).await;
    let jwks = at(&host.url, WHEN_ASKED);
    assert_eq!(ask(&jwks, "a").await, Ok(()));
    assert!(jwks.wait_for(&head("a")).is_none());
    assert_eq!(host.times_asked(), 1);
}

#[tokio::test]
async fn a_new_key_opens_at_once_and_one_that_is_gone_no_more() {
    let key = elliptic("ES256");
    let host = HostServer::start(keys(&key, &["old"])).await;
    let jwks = at(&host.url, WHEN_ASKED);
    assert_eq!(ask(&jwks, "old").await, Ok(()));
    host.answer(keys(&key, &["new"]));
    assert_eq!(known(&jwks, "old"), Ok(()), "nobody asked the host yet");
    assert_eq!(ask(&jwks, "new").await, Ok(()));
    assert_eq!(known(&jwks, "old"), Err(Code::TokenInvalid));
}

#[tokio::test]
async fn however_many_wait_the_host_is_asked_once() {
    let key = elliptic("ES256");
    let host = HostServer::start_silent(keys(&key, &["a", "b"])).await;
    let jwks = Arc::new(at(&host.url, WHEN_ASKED));
    let waiting: Vec<_> = (0..200)
        .map(|n| jwks.wait_for(&head(["a", "b"][n % 2])).unwrap())
        .map(tokio::spawn)
        .collect();
    host.asked(1).await;
    host.speak();
    for fetched in waiting {
        fetched.await.unwrap();
    }
    assert_eq!((known(&jwks, "a"), known(&jwks, "b")), (Ok(()), Ok(())));
    assert_eq!(host.times_asked(), 1);
}

#[tokio::test]
async fn unknown_keys_do_not_make_the_host_be_asked_below_the_floor() {
    let key = elliptic("ES256");
    let host = HostServer::start(keys(&key, &["a"])).await;
    let pace = Pace {
        refresh: NEVER,
        floor: NEVER,
    };
    let jwks = at(&host.url, pace);
    assert_eq!(ask(&jwks, "a").await, Ok(()));
    host.answer(keys(&key, &["a", "b"]));
    for _ in 0..10 {
        assert!(jwks.wait_for(&head("b")).is_none(), "refused at once");
        assert_eq!(known(&jwks, "b"), Err(Code::TokenInvalid));
        // Whoever asks nevertheless is not heard.
        let _ = jwks.asks.try_send(());
        tokio::task::yield_now().await;
    }
    assert_eq!(host.times_asked(), 1);
}

#[tokio::test]
async fn while_the_host_is_away_its_known_keys_stay_and_others_may_come_again() {
    let key = elliptic("ES256");
    let host = HostServer::start(Answer::Broken).await;
    let jwks = at(&host.url, WHEN_ASKED);
    assert_eq!(ask(&jwks, "a").await, Err(Code::Unavailable));
    host.answer(keys(&key, &["a"]));
    assert_eq!(ask(&jwks, "a").await, Ok(()));
    for broken in [
        Answer::Broken,
        Answer::Moved,
        Answer::Endless,
        Answer::Text("<html>".to_owned()),
        Answer::Text("{}".to_owned()),
        Answer::Keys(vec![key.jwk("a"); 101]),
    ] {
        host.answer(broken);
        assert_eq!(ask(&jwks, "b").await, Err(Code::Unavailable));
        assert_eq!(known(&jwks, "a"), Ok(()));
    }
    host.answer(keys(&key, &["b"]));
    assert_eq!(ask(&jwks, "b").await, Ok(()));
    assert_eq!(known(&jwks, "a"), Err(Code::TokenInvalid));
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_asked_again_when_a_token_comes() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    drop(listener);
    let jwks = at(&url, WHEN_ASKED);
    assert_eq!(ask(&jwks, "a").await, Err(Code::Unavailable));
    let before = jwks.fetched.borrow().count;
    assert_eq!(ask(&jwks, "a").await, Err(Code::Unavailable));
    assert!(jwks.fetched.borrow().count > before);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let host = HostServer::start(Answer::Moved).await;
    let source = Source::of_address(&host.url).unwrap();
    let problem = source.fetch().await.err().unwrap();
    assert!(problem.contains("307"), "{problem}");
    assert_eq!(host.times_asked(), 1);
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_off() {
    let host = HostServer::start(Answer::Endless).await;
    let source = Source::of_address(&host.url).unwrap();
    let problem = source.fetch().await.err().unwrap();
    assert!(problem.contains("longer than"), "{problem}");
}

/// Time stands still unless everybody waits for it.
#[tokio::test(start_paused = true)]
async fn a_host_that_never_answers_keeps_nobody_for_ever() {
    let host = HostServer::start_silent(Answer::Broken).await;
    let jwks = at(&host.url, WHEN_ASKED);
    assert_eq!(ask(&jwks, "a").await, Err(Code::Unavailable));
}

#[tokio::test]
async fn a_key_that_is_gone_is_refused_though_nobody_asks() {
    let key = elliptic("ES256");
    let host = HostServer::start(keys(&key, &["a"])).await;
    let pace = Pace {
        refresh: Duration::from_millis(1),
        floor: Duration::ZERO,
    };
    let jwks = at(&host.url, pace);
    fetched(&jwks, 1).await;
    assert_eq!(known(&jwks, "a"), Ok(()));
    host.answer(keys(&key, &[]));
    // The next may have been answered before; the one behind it is not.
    let count = jwks.fetched.borrow().count;
    fetched(&jwks, count + 2).await;
    assert_eq!(known(&jwks, "a"), Err(Code::TokenInvalid));
}

#[tokio::test]
async fn the_host_is_asked_no_more_once_nobody_needs_its_keys() {
    let host = HostServer::start(Answer::Keys(Vec::new())).await;
    let jwks = at(&host.url, WHEN_ASKED);
    fetched(&jwks, 1).await;
    let mut fetched = jwks.fetched.clone();
    drop(jwks);
    // Ends with the task: its sender is gone.
    while fetched.changed().await.is_ok() {}
    assert_eq!(host.times_asked(), 1);
}

#[tokio::test]
async fn a_file_that_changed_is_read_again() {
    let key = elliptic("ES256");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    let write = |kid: &str| {
        let set = serde_json::json!({"keys": [key.jwk(kid)]});
        std::fs::write(&path, set.to_string()).unwrap();
    };
    write("old");
    let fetched = Fetched {
        keys: KeySet::parse(&std::fs::read(&path).unwrap()).unwrap(),
        count: 1,
        ended_at: Some(Instant::now()),
        failed: false,
    };
    let jwks = Jwks::new(Source::File(path.clone()), WHEN_ASKED, fetched);
    jwks.start();
    assert_eq!(known(&jwks, "old"), Ok(()), "before anything was fetched");
    write("new");
    assert_eq!(ask(&jwks, "new").await, Ok(()));
    assert_eq!(known(&jwks, "old"), Err(Code::TokenInvalid));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(ask(&jwks, "other").await, Err(Code::Unavailable));
    assert_eq!(known(&jwks, "new"), Ok(()));
}

#[test]
fn a_host_that_is_away_is_asked_less_and_less_often_but_never_less_than_usual() {
    let pace = Pace {
        refresh: Duration::from_secs(300),
        floor: Duration::from_secs(10),
    };
    let seconds = |failures| pace.pause(failures).as_secs();
    assert_eq!([1, 2, 3, 4, 5, 6].map(seconds), [10, 20, 40, 80, 160, 300]);
    assert_eq!(seconds(u32::MAX), 300);
    for _ in 0..100 {
        assert!((270..=300).contains(&seconds(0)));
    }
    let narrow = Pace {
        refresh: Duration::from_secs(10),
        ..pace
    };
    assert_eq!(narrow.pause(0).as_secs(), 10, "not below the floor");
}
