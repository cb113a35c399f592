//! What becomes of users when leases end, by whatever clock.

use super::*;

/// Behind every lease that was taken in second 0.
const OVER: i64 = LEASE_SECONDS;

/// Neither before a node has taken a lease nor after it ran out, by the clock of the node.
pub async fn without_a_valid_one_nothing_is_kept(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 1).await;
    nodes.nodes.push(cluster.another().await);
    nodes.is_refused(B, "kim", true, 1).await;
    assert_eq!(nodes.renew(B, 2).await, (false, vec![]));
    nodes.agree(&[user("kim")]).await;
    nodes.say(A, "lee", true, 1).await;
    nodes.is_refused(A, "kim", true, OVER).await;
    nodes.is_refused(A, "lee", false, OVER).await;
    assert!(nodes.nodes[A].set(&[], at(OVER)).await.is_err());
    let ended = nodes.renew(A, OVER + 1).await;
    assert_eq!(ended, (false, vec![off("lee", OVER)]));
}

/// In the moment in which the lease runs out and not before it, whoever renews first.
pub async fn a_death_takes_exactly_the_nodes_users_once(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 3).await;
    for (node, id) in [(A, "a"), (A, "both"), (B, "both"), (B, "b")] {
        nodes.say(node, id, true, 1).await;
    }
    let users = ["a", "both", "b"].map(user);
    for node in [B, C] {
        assert_eq!(nodes.renew(node, OVER - 1).await, (true, vec![]));
    }
    assert_eq!(nodes.renew(C, OVER).await, (true, vec![off("a", OVER)]));
    for node in [B, C] {
        assert_eq!(nodes.renew(node, OVER + 1).await, (true, vec![]));
    }
    nodes.agree(&users).await;
    let left = nodes.say(B, "both", false, OVER + 2).await;
    assert_eq!(left, [off("both", OVER + 2)], "no ghost");
    assert_eq!(nodes.say(B, "a", true, OVER + 3).await, [on("a", OVER + 3)]);
}

/// Whom both had was online until the later end.
pub async fn two_deaths_found_at_once_leave_one_edge_a_user(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 3).await;
    for (node, id) in [(A, "a"), (A, "both"), (B, "both"), (B, "b")] {
        nodes.say(node, id, true, 1).await;
    }
    nodes.renew(B, 10).await;
    nodes.renew(C, 20).await;
    let edges = vec![off("a", OVER), off("b", OVER + 10), off("both", OVER + 10)];
    assert_eq!(nodes.renew(C, OVER + 15).await, (true, edges));
    assert_eq!(nodes.renew(C, OVER + 16).await, (true, vec![]));
}

/// A reconnect elsewhere is no edge, late as it may be, and what the dead node said is gone.
pub async fn who_moves_before_a_death_is_found_stays_online(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 2).await;
    nodes.say(A, "kim", true, 1).await;
    nodes.renew(B, 20).await;
    assert_eq!(nodes.say(B, "kim", true, OVER + 1).await, []);
    assert_eq!(nodes.renew(B, OVER + 2).await, (true, vec![]));
    let left = nodes.say(B, "kim", false, OVER + 3).await;
    assert_eq!(left, [off("kim", OVER + 3)]);
}

/// A lease that ran out keeps nobody online, found or not.
pub async fn who_leaves_before_a_death_is_found_leaves_once(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 3).await;
    for node in [A, B, C] {
        nodes.say(node, "kim", true, 1).await;
    }
    nodes.renew(B, 20).await;
    nodes.renew(C, 20).await;
    assert_eq!(nodes.release(C, OVER + 1).await, []);
    let left = nodes.say(B, "kim", false, OVER + 2).await;
    assert_eq!(left, [off("kim", OVER + 2)]);
    assert_eq!(nodes.renew(B, OVER + 3).await, (true, vec![]));
    nodes.agree(&[user("kim")]).await;
}

/// Nobody has to be said again, however often the lease is renewed.
pub async fn a_renewal_in_time_keeps_the_users(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 2).await;
    nodes.say(A, "kim", true, 0).await;
    for round in 1..10 {
        let last_moment = round * (LEASE_SECONDS - 1);
        assert_eq!(nodes.renew(A, last_moment).await, (true, vec![]));
        assert_eq!(nodes.renew(B, last_moment).await, (true, vec![]));
        nodes.agree(&[user("kim")]).await;
    }
    let left = nodes.say(A, "kim", false, 9 * LEASE_SECONDS).await;
    assert_eq!(left, [off("kim", 9 * LEASE_SECONDS)]);
}

/// Even if nobody else did: the node learns of the gap, and its users are offline until said again.
pub async fn a_late_renewal_finds_its_own_end(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 2).await;
    nodes.renew(B, 10).await;
    nodes.say(A, "kim", true, 1).await;
    nodes.say(A, "lee", true, 1).await;
    let edges = vec![off("kim", OVER), off("lee", OVER)];
    assert_eq!(nodes.renew(A, OVER).await, (false, edges));
    assert_eq!(nodes.say(A, "kim", true, OVER).await, [on("kim", OVER)]);
    assert_eq!(nodes.say(B, "lee", true, OVER).await, [on("lee", OVER)]);
    let left = nodes.say(B, "lee", false, OVER).await;
    assert_eq!(left, [off("lee", OVER)], "not said again by the first");
    assert_eq!(nodes.renew(A, OVER + 1).await, (true, vec![]));
}

/// Whatever its own clock says of its lease.
pub async fn a_node_that_was_found_dead_says_its_users_again(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 2).await;
    nodes.say(A, "kim", true, 1).await;
    // By a clock that is too fast: `A` finds its lease valid and is refused all the same.
    nodes.renew(B, OVER - 1).await;
    assert_eq!(nodes.renew(B, OVER).await, (true, vec![off("kim", OVER)]));
    nodes.is_refused(A, "kim", true, OVER - 5).await;
    nodes.is_refused(A, "lee", true, OVER - 5).await;
    assert_eq!(nodes.renew(A, OVER - 4).await, (false, vec![]));
    nodes.agree(&[user("kim"), user("lee")]).await;
    assert_eq!(nodes.say(A, "kim", true, OVER).await, [on("kim", OVER)]);
    assert_eq!(nodes.renew(A, OVER + 1).await, (true, vec![]));
}

/// Without a wait for the lease, and once; a new lease begins with nobody.
pub async fn release_takes_exactly_the_nodes_users_at_once(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 2).await;
    for (node, id) in [(A, "a"), (A, "both"), (B, "both"), (B, "b")] {
        nodes.say(node, id, true, 1).await;
    }
    assert_eq!(nodes.release(A, 2).await, [off("a", 2)]);
    assert_eq!(nodes.release(A, 3).await, [], "again");
    nodes.is_refused(A, "a", true, 4).await;
    nodes.agree(&["a", "both", "b"].map(user)).await;
    assert_eq!(nodes.renew(A, 5).await, (false, vec![]));
    assert_eq!(nodes.say(A, "a", true, 6).await, [on("a", 6)]);
    // Too late to say when: the lease did.
    let edges = nodes.release(B, OVER + 1).await;
    assert_eq!(edges, [off("b", OVER), off("both", OVER)]);
    assert_eq!(nodes.renew(A, OVER + 2).await, (true, vec![]));
}

/// Within what the port allows, living nodes keep their users, and a dead one loses its own once.
pub async fn clocks_that_differ_make_nobody_flap(cluster: &dyn Cluster) {
    // Apart by less than the two thirds of a lease that are left when it is renewed.
    let skews = [0, 9, -9];
    let renewal = LEASE_SECONDS / 3;
    let mut nodes = Nodes::join(cluster, 3).await;
    for (node, skew) in skews.iter().enumerate() {
        assert_eq!(nodes.renew(node, *skew).await, (true, vec![]));
        let said = nodes.say(node, &node.to_string(), true, *skew).await;
        assert_eq!(said, [on(&node.to_string(), *skew)]);
        nodes.say(node, "everywhere", true, *skew).await;
    }
    let users = ["0", "1", "2", "everywhere"].map(user);
    for second in 1..200 {
        for (node, skew) in skews.iter().enumerate() {
            let now = second + skew;
            if second % renewal == 3 * i64::try_from(node).unwrap() {
                assert_eq!(nodes.renew(node, now).await, (true, vec![]));
            }
            // Any two of them still say so.
            let again = nodes.say(node, "everywhere", false, now).await;
            assert_eq!(again, [], "second {second}, node {node}");
            assert_eq!(nodes.say(node, "everywhere", true, now).await, []);
            nodes.agree(&users).await;
        }
    }
    // The last of the fast one's renewals, by its own clock. It dies, and the others find that
    // when theirs say so.
    let until = 193 + 9 + LEASE_SECONDS;
    for (node, skew) in [(C, -9), (A, 0)] {
        assert_eq!(nodes.renew(node, 200 + skew).await, (true, vec![]));
        assert_eq!(nodes.renew(node, 220 + skew).await, (true, vec![]));
    }
    assert_eq!(nodes.renew(A, until - 1).await, (true, vec![]));
    assert_eq!(nodes.renew(A, until).await, (true, vec![off("1", until)]));
    assert_eq!(nodes.renew(C, until - 9).await, (true, vec![]));
    nodes.agree(&users).await;
}

/// By which a dead node's lease is still valid: it answers no edge of who left by a faster one.
pub async fn a_slow_clock_brings_nobody_back(cluster: &dyn Cluster) {
    let mut nodes = Nodes::join(cluster, 3).await;
    for (node, id) in [(A, "kim"), (B, "kim"), (A, "lee")] {
        nodes.say(node, id, true, 1).await;
    }
    // `A` is dead by the clock of `B`, and not by that of `C`.
    nodes.renew(B, OVER - 1).await;
    let left = nodes.say(B, "kim", false, OVER).await;
    assert_eq!(left, [off("kim", OVER)]);
    assert_eq!(nodes.say(C, "kim", false, OVER - 5).await, []);
    assert_eq!(nodes.renew(C, OVER - 4).await, (true, vec![]));
    assert_eq!(nodes.renew(B, OVER).await, (true, vec![off("lee", OVER)]));
    assert_eq!(nodes.renew(C, OVER - 3).await, (true, vec![]));
    nodes.agree(&["kim", "lee"].map(user)).await;
}
