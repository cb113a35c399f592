//! One winner: agents who claim over REST at the same moment.

use std::sync::Barrier;
use std::thread;

use madang_e2e::http::Response;

use crate::rooms::{Customer, rest};
use crate::shared;

const ROOMS: usize = 25;
const AGENTS: usize = 4;

#[test]
fn of_agents_who_claim_over_rest_at_once_one_wins_and_the_others_are_told_who() {
    let server = shared::server();
    let agents: Vec<(String, String)> = (0..AGENTS)
        .map(|_| {
            let id = shared::unique("claimer");
            let token = server.token_with(&id, "agent", &["--name", &format!("{id} by name")]);
            (id, token)
        })
        .collect();
    for _ in 0..ROOMS {
        let customer = Customer::new(&server);
        let path = format!("/api/v1/desk/rooms/{}/claim", customer.id);
        let begin = Barrier::new(AGENTS);
        let answers: Vec<Response> = thread::scope(|scope| {
            let claims: Vec<_> = agents
                .iter()
                .map(|(_, token)| {
                    scope.spawn(|| {
                        begin.wait();
                        rest(&shared::server(), "POST", &path, token)
                    })
                })
                .collect();
            claims
                .into_iter()
                .map(|claim| claim.join().unwrap())
                .collect()
        });
        let won: Vec<usize> = (0..AGENTS)
            .filter(|at| answers[*at].status == 200)
            .collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        let winner = &agents[won[0]].0;
        for loser in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(loser.status, 409);
            let body = loser.json();
            assert_eq!(body["code"], "ROOM_TAKEN");
            assert_eq!(body["assignee"]["id"], *winner);
            assert_eq!(body["assignee"]["name"], format!("{winner} by name"));
        }
    }
}
