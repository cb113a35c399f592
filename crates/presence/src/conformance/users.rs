//! What sessions make of users, while every node lives.

use super::*;

/// How many users the engine, too, names in one call.
const BATCH: usize = 512;

/// What comes between is no edge, and what is said again neither.
pub async fn online_on_the_first_session_anywhere_and_offline_on_the_last_only(
    cluster: &dyn Cluster,
) {
    let mut nodes = Nodes::join(cluster, 2).await;
    assert_eq!(nodes.say(A, "kim", true, 1).await, [on("kim", 1)]);
    assert_eq!(nodes.say(A, "kim", true, 2).await, [], "again");
    assert_eq!(nodes.say(B, "kim", true, 3).await, [], "online elsewhere");
    assert_eq!(nodes.say(A, "kim", false, 4).await, [], "online elsewhere");
    assert_eq!(nodes.say(A, "kim", false, 5).await, [], "again");
    assert_eq!(nodes.say(B, "kim", false, 6).await, [off("kim", 6)]);
    assert_eq!(nodes.say(B, "kim", false, 7).await, [], "again");
    assert_eq!(nodes.say(A, "kim", true, 8).await, [on("kim", 8)]);
    nodes.agree(&[user("kim")]).await;
}

/// That a node has no session says nothing of those of others.
pub async fn nobody_ends_a_session_of_another_node(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 2).await;
    nodes.say(A, "kim", true, 1).await;
    assert_eq!(nodes.say(B, "kim", false, 2).await, []);
    assert_eq!(nodes.say(A, "kim", false, 3).await, [off("kim", 3)]);
    assert_eq!(nodes.say(B, "kim", false, 4).await, []);
}

/// Of a user named more than once every word counts, the last at the end.
pub async fn one_call_takes_effect_in_its_order(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 1).await;
    let said = [true, true, false, false, true].map(|online| (user("kim"), online));
    let edges = nodes.say_all(A, &said, 1).await;
    assert_eq!(edges, [on("kim", 1), off("kim", 1), on("kim", 1)]);
    let said = [false, true].map(|online| (user("kim"), online));
    let edges = nodes.say_all(A, &said, 2).await;
    assert_eq!(edges, [off("kim", 2), on("kim", 2)]);
}

/// Ids that a collation or a pattern might take for the same are different users; answers stand in
/// the order asked.
pub async fn ids_compare_byte_by_byte_and_unknown_ones_are_none(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 2).await;
    let long = "x".repeat(255);
    let known = ["kim", "고객@example.com", "a:{b} *%'\"\\", &long];
    let unknown = ["Kim", "kim ", "kím", "고객@example.co", &long[1..]];
    for id in known {
        assert_eq!(nodes.say(A, id, true, 1).await, [on(id, 1)]);
    }
    for id in unknown {
        assert_eq!(nodes.say(B, id, false, 2).await, []);
    }
    let asked = [unknown[0], known[3], known[0], unknown[4], known[1]];
    let asked = asked.into_iter().chain(unknown).chain(known);
    nodes.agree(&asked.map(user).collect::<Vec<_>>()).await;
    nodes.agree(&[]).await;
    assert_eq!(nodes.say_all(A, &[], 3).await, []);
}

/// Thousands in one call, and as many left behind by one lease: each has its edge once.
pub async fn many_users_at_once(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 2).await;
    let ids: Vec<String> = (0..5_000).map(|n| format!("{n:04}")).collect();
    let said = |online| ids.iter().map(move |id| (user(id), online));
    let all: Vec<_> = said(true).collect();
    let came: Vec<_> = ids.iter().map(|id| on(id, 1)).collect();
    assert_eq!(nodes.say_all(A, &all, 1).await, came);
    assert_eq!(nodes.say_all(A, &all, 1).await, []);
    let (stays, goes) = ids.split_at(1_000);
    assert_eq!(nodes.say_all(B, &all[..1_000], 2).await, []);
    let left: Vec<_> = goes.iter().map(|id| off(id, LEASE_SECONDS)).collect();
    nodes.renew(B, LEASE_SECONDS - 1).await;
    assert_eq!(nodes.renew(B, LEASE_SECONDS).await, (true, left));
    let all: Vec<_> = said(false).collect();
    let left: Vec<_> = stays.iter().map(|id| off(id, 31)).collect();
    assert_eq!(nodes.say_all(B, &all, 31).await, left);
}

/// The bound forgets who is offline only, and no epoch.
pub async fn who_left_first_is_forgotten_first_and_comes_back_with_a_higher_epoch(
    cluster: &dyn Cluster,
) {
    let remembered = cluster.capabilities().remembered;
    let mut nodes = Nodes::join(cluster, 1).await;
    for online in [true, false, true] {
        nodes.say(A, "stays", online, 1).await;
    }
    let first = ["kim", "lee"].map(user);
    for id in ["kim", "lee"] {
        nodes.say(A, id, true, 1).await;
        nodes.say(A, id, false, 1).await;
    }
    let others: Vec<_> = (0..remembered).map(|n| user(&n.to_string())).collect();
    for batch in others.chunks(BATCH.min(remembered)) {
        for online in [true, false] {
            let said: Vec<_> = batch.iter().map(|user| (user.clone(), online)).collect();
            nodes.say_all(A, &said, 2).await;
        }
    }
    nodes.renew(A, 3).await;
    let forgotten = nodes.nodes[A].of(&first).await.unwrap();
    assert_eq!(forgotten, [None, None]);
    nodes.agree(&others).await;
    nodes.agree(&[user("stays")]).await;
    for id in ["kim", "lee"] {
        // Against the epoch that watchers may remember.
        assert_eq!(nodes.say(A, id, true, 4).await, [on(id, 4)]);
    }
    nodes.agree(&others).await;
}
