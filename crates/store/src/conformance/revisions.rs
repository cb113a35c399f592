//! Edits and deletions.

use std::time::Duration;

use madang_domain::ports::Store;
use madang_domain::search::SearchQuery;
use madang_domain::{
    Body, Code, Content, DraftGroup, MemberRole, Message, MessageKind, Revision, Role, RoomAction,
    Seq,
};

use super::*;

async fn one(store: &dyn Store, room: &str, seq: u64) -> Message {
    let found = store.message(&room_id(room), Seq::new(seq)).await.unwrap();
    found.expect("an entry").as_ref().clone()
}

async fn revise(store: &dyn Store, room: &str, who: &str, content: Content) -> Result<u64, Code> {
    let draft = content_of(room, who, Role::User, content);
    let appended = append_one(store, draft).await?;
    Ok(appended.message().position.seq.get())
}

async fn finds(store: &dyn Store, room: &str, words: &str) -> Vec<u64> {
    let query = SearchQuery::parse(words).unwrap();
    let (kim, room) = (user("kim"), room_id(room));
    let found = store.search(&kim, Some(&room), &query, None, 100).await;
    seqs(&found.unwrap().messages)
}

/// The message reads anew everywhere; the entry that says so has the new body until a later one has.
pub async fn an_edit_changes_the_message(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee"]).await;
    let data = Content::Message(Body::new("before", Some(r#"{"a":1}"#)).unwrap());
    let seq = revise(&*store, "g", "kim", data).await.unwrap();
    let original = one(&*store, "g", seq).await;
    assert_eq!(original.data().map(|data| &**data), Some(r#"{"a":1}"#));
    let mut event = 0;
    for round in 0..4 {
        let text = format!("after{round}");
        let before = event;
        event = revise(&*store, "g", "kim", edit(seq, &text)).await.unwrap();
        let said = one(&*store, "g", event).await;
        assert_eq!((said.kind, &*said.text), (MessageKind::Edited, &*text));
        assert_eq!(said.target(), Some(Seq::new(seq)));
        let now = one(&*store, "g", seq).await;
        assert_eq!((&*now.text, now.data()), (&*text, None));
        assert_eq!(now.revision(), Revision::Edited(at(1)));
        let extra = now.extra.as_ref().unwrap();
        assert_eq!(extra.edited_by, Some(Seq::new(event)));
        assert_eq!(
            (&now.sender, now.sent_at),
            (&original.sender, original.sent_at)
        );
        if before > 0 {
            let superseded = one(&*store, "g", before).await;
            assert_eq!(
                (superseded.kind, &*superseded.text),
                (MessageKind::Edited, "")
            );
        }
        let log = whole_log(&*store, "g").await;
        assert_eq!(*log[seq as usize - 1], now);
        if round == 0 {
            let last = rooms_of(&*store, "kim").await.remove(0).last_message;
            assert_eq!(last.as_deref(), Some(&now));
        }
        assert_eq!(finds(&*store, "g", &text).await, [seq]);
        assert!(finds(&*store, "g", "before").await.is_empty());
        // What is behind it may be anywhere by now.
        fill_of(&*store, "g", "lee", 10).await;
        store = factory.reopen(store).await;
        let page = store
            .read_messages(&room_id("g"), 10 * (round + 1), 1)
            .await;
        assert_eq!(texts(&page.unwrap().unwrap().messages), [&*text]);
    }
}

/// Its body is gone, that of the newest edit too; its place stays and counts.
pub async fn a_deletion_takes_the_body_away(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee"]).await;
    let seq = say(&*store, "g", "kim", "secret").await;
    let edited = revise(&*store, "g", "kim", edit(seq, "another secret"))
        .await
        .unwrap();
    let event = revise(&*store, "g", "kim", delete(seq)).await.unwrap();
    for round in 0..3 {
        let gone = one(&*store, "g", seq).await;
        assert_eq!((gone.kind, &*gone.text), (MessageKind::Message, ""));
        assert_eq!(gone.revision(), Revision::Deleted(at(1)));
        assert_eq!(*one(&*store, "g", edited).await.text, *"");
        let said = one(&*store, "g", event).await;
        assert_eq!((said.kind, &*said.text), (MessageKind::Deleted, ""));
        assert_eq!(said.target(), Some(Seq::new(seq)));
        assert!(finds(&*store, "g", "secret").await.is_empty());
        assert_eq!(
            unread(&*store, "lee").await,
            1 + round * 40,
            "its place is shown"
        );
        for content in [edit(seq, "x"), delete(seq)] {
            let refused = revise(&*store, "g", "kim", content).await;
            assert_eq!(refused, Err(Code::MessageNotFound));
        }
        fill_of(&*store, "g", "kim", 40).await;
    }
    let page = store
        .read_messages(&room_id("g"), 120, 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (page.total, page.messages[0].position.seq.get()),
        (121, seq)
    );
}

/// Merged or not, long ago or in the same call.
pub async fn of_old_and_new_messages(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &[]).await;
    fill_of(&*store, "g", "kim", 300).await;
    for seq in [1, 63, 64, 65, 128, 299, 300] {
        let text = format!("changed{seq}x");
        revise(&*store, "g", "kim", edit(seq, &text)).await.unwrap();
        assert_eq!(finds(&*store, "g", &text).await, [seq]);
        assert_eq!(*one(&*store, "g", seq).await.text, text);
    }
    let head = room(&*store, "g").await.unwrap().head.last.get();
    let drafts = [
        draft_of("g", "kim", Role::User, "fresh", None),
        content_of("g", "kim", Role::User, edit(head + 1, "fresher")),
        content_of("g", "kim", Role::User, edit(head + 1, "freshest")),
        content_of("g", "kim", Role::User, delete(1)),
    ];
    for outcome in append(&*store, drafts.to_vec()).await {
        new(&outcome);
    }
    assert_eq!(*one(&*store, "g", head + 1).await.text, *"freshest");
    assert_eq!(
        *one(&*store, "g", head + 2).await.text,
        *"",
        "superseded at once"
    );
    assert!(finds(&*store, "g", "changed1x").await.is_empty());
    let store = factory.reopen(store).await;
    assert_eq!(*one(&*store, "g", head + 1).await.text, *"freshest");
    let log = whole_log(&*store, "g").await;
    assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>());
}

/// The policy decides, of the message as it is now.
pub async fn who_may_revise(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee", "park"]).await;
    let seq = say(&*store, "g", "lee", "mine").await;
    let raise = RoomAction::SetRole(user("park"), MemberRole::Moderator);
    act(&*store, "g", "kim", raise).await.unwrap();
    let event = seq + 1;
    let before = whole_log(&*store, "g").await;
    let within = Content::Edit {
        target: Seq::new(seq),
        body: Body::new("late", None).unwrap(),
        within: Some(Duration::from_micros(10)),
    };
    let mut late = content_of("g", "lee", Role::User, within);
    late.sent_at = at(12);
    assert_eq!(append_one(&*store, late).await, Err(Code::TooLate));
    for (who, content, code) in [
        ("choi", edit(seq, "x"), Code::NotYourRoom),
        ("choi", edit(99, "x"), Code::NotYourRoom),
        ("lee", edit(99, "x"), Code::MessageNotFound),
        ("lee", edit(0, "x"), Code::MessageNotFound),
        ("lee", delete(event), Code::MessageNotFound),
    ] {
        assert_eq!(revise(&*store, "g", who, content).await, Err(code));
    }
    assert_eq!(
        whole_log(&*store, "g").await,
        before,
        "nothing is left of them"
    );
    revise(&*store, "g", "park", edit(seq, "moderated"))
        .await
        .unwrap();
    let now = one(&*store, "g", seq).await;
    assert_eq!((now.sender.as_str(), &*now.text), ("lee", "moderated"));
    act(&*store, "g", "lee", RoomAction::Leave).await.unwrap();
    let refused = revise(&*store, "g", "lee", edit(seq, "x")).await;
    assert_eq!(refused, Err(Code::NotYourRoom), "who may write no more");
    let host = content_of("g", "shop", Role::Service, delete(seq));
    append_one(&*store, host).await.unwrap();
    assert_eq!(*one(&*store, "g", seq).await.text, *"");
    let missing = content_of("nowhere", "kim", Role::User, delete(1));
    assert_eq!(append_one(&*store, missing).await, Err(Code::RoomNotFound));
}

/// A support room's customer and agent edit what they said themselves.
pub async fn in_support_rooms(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    let seq = say(&*store, "kim", "kim", "help").await;
    claim(&*store, "kim", "lee").await;
    let by_agent = content_of("kim", "lee", Role::Agent, edit(seq, "x"));
    assert_eq!(append_one(&*store, by_agent).await, Err(Code::RoleRequired));
    assert!(complete(&*store, "kim", "lee").await);
    revise(&*store, "kim", "kim", edit(seq, "help me"))
        .await
        .unwrap();
    let found = room(&*store, "kim").await.unwrap();
    let state = &found.support().unwrap().state;
    assert_eq!(
        *state,
        madang_domain::SupportState::Completed,
        "an edit reopens nothing"
    );
}

/// By its client id, a repeat answers the first attempt, as it reads now.
pub async fn repeats_of_revisions(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    group(&*store, "g", "kim", &[]).await;
    let first = draft_of("g", "kim", Role::User, "text", Some("m"));
    append_one(&*store, first.clone()).await.unwrap();
    let mut change = content_of("g", "kim", Role::User, edit(1, "changed"));
    change.client_id = client_id("e");
    let done = append_one(&*store, change.clone()).await;
    let event = new(&done).clone();
    for _ in 0..3 {
        assert_eq!(*repeat(&append_one(&*store, change.clone()).await), event);
        let message = append_one(&*store, first.clone()).await;
        assert_eq!(*repeat(&message).text, *"changed");
        assert_eq!(repeat(&message).position.seq.get(), 1);
        assert_eq!(
            one(&*store, "g", 1).await.extra.unwrap().edited_by,
            Some(event.position.seq)
        );
        fill_of(&*store, "g", "kim", 30).await;
        store = factory.reopen(store).await;
    }
    revise(&*store, "g", "kim", edit(1, "again")).await.unwrap();
    let now = append_one(&*store, change).await;
    assert_eq!(*repeat(&now).text, *"", "nothing says what it said before");
}

/// A group of them leaves nothing when one is refused.
pub async fn in_groups(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &[]).await;
    let seq = say(&*store, "g", "kim", "text").await;
    let before = whole_log(&*store, "g").await;
    let of_kim = |content| content_of("g", "kim", Role::User, content);
    let refused = vec![
        draft_of("g", "kim", Role::User, "new", Some("n")),
        of_kim(edit(seq, "changed")),
        of_kim(delete(seq)),
        of_kim(edit(seq, "too late")),
    ];
    let refused = DraftGroup { drafts: refused };
    let drafts = vec![
        of_kim(edit(seq, "one")),
        of_kim(Content::Message(Body::new("between", None).unwrap())),
        of_kim(edit(seq, "two")),
    ];
    let group = DraftGroup { drafts };
    let outcomes = send(&*store, vec![refused.clone(), group, refused]).await;
    assert_eq!(outcomes[0], Err(Code::MessageNotFound));
    assert_eq!(outcomes[1].as_ref().unwrap().len(), 3);
    assert_eq!(outcomes[2], Err(Code::MessageNotFound));
    let log = whole_log(&*store, "g").await;
    assert_eq!(log.len(), before.len() + 3);
    assert_eq!(texts(&log), ["two", "", "between", "two"]);
    let store = factory.reopen(store).await;
    assert_eq!(whole_log(&*store, "g").await, log);
    let first = draft_of("g", "kim", Role::User, "new", Some("n"));
    new(&append_one(&*store, first).await);
}
