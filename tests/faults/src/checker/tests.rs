//! The checker finds what was put into histories that are right otherwise.

use super::{Verdict, check};
use crate::history::{Entry, Event, Name, What};

const ROOM: &str = "room";
/// A support room has its customer's id.
const DESK: &str = "customer";

fn name(room: &str, sender: &str, number: u64) -> Name {
    Name {
        room: room.to_owned(),
        sender: sender.to_owned(),
        number,
    }
}

fn message(seq: u64, sender: &str, number: u64) -> Entry {
    Entry {
        seq,
        kind: "message".to_owned(),
        sender: sender.to_owned(),
        subjects: Vec::new(),
        text: name("", sender, number).text(),
    }
}

/// An entry about somebody.
fn about(seq: u64, kind: &str, subject: &str) -> Entry {
    Entry {
        seq,
        kind: kind.to_owned(),
        sender: subject.to_owned(),
        subjects: vec![subject.to_owned()],
        text: String::new(),
    }
}

/// A history that is written down step by step, a step each microsecond.
#[derive(Default)]
struct Story(Vec<Event>);

impl Story {
    fn tell(&mut self, what: What) -> &mut Self {
        let at = self.0.len() as u64;
        self.0.push(Event { at, what });
        self
    }

    fn sent(&mut self, room: &str, sender: &str, number: u64) -> &mut Self {
        let message = name(room, sender, number);
        self.tell(What::Sent { message })
    }

    fn accepted(&mut self, room: &str, sender: &str, number: u64) -> &mut Self {
        let message = name(room, sender, number);
        self.tell(What::Accepted { message, seq: None })
    }

    fn refused(&mut self, room: &str, sender: &str, number: u64) -> &mut Self {
        let message = name(room, sender, number);
        let code = "NOT_YOUR_ROOM".to_owned();
        self.tell(What::Refused { message, code })
    }

    fn unanswered(&mut self, room: &str, sender: &str, number: u64) -> &mut Self {
        let message = name(room, sender, number);
        self.tell(What::Unanswered { message })
    }

    /// Sent, and accepted at once.
    fn said(&mut self, room: &str, sender: &str, number: u64) -> &mut Self {
        self.sent(room, sender, number)
            .accepted(room, sender, number)
    }

    fn log(&mut self, room: &str, entries: &[Entry]) -> &mut Self {
        self.log_of(1, room, entries)
    }

    fn log_of(&mut self, node: usize, room: &str, entries: &[Entry]) -> &mut Self {
        for entry in entries {
            let (room, entry) = (room.to_owned(), entry.clone());
            self.tell(What::Log { node, room, entry });
        }
        self
    }

    fn read(&mut self, reader: &str, entries: &[Entry]) -> &mut Self {
        let (reader, room) = (reader.to_owned(), ROOM.to_owned());
        self.tell(What::Began {
            reader: reader.clone(),
            room: room.clone(),
            behind: 0,
        });
        for entry in entries {
            let (reader, room, entry) = (reader.clone(), room.clone(), entry.clone());
            self.tell(What::Seen {
                reader,
                room,
                entry,
            });
        }
        self
    }

    fn claimed(&mut self, agent: &str) -> &mut Self {
        let (agent, room) = (agent.to_owned(), DESK.to_owned());
        self.tell(What::Claimed { agent, room })
    }

    fn parting(&mut self, agent: &str) -> &mut Self {
        let (agent, room) = (agent.to_owned(), DESK.to_owned());
        self.tell(What::Parting { agent, room })
    }

    fn verdict(&self) -> Verdict {
        check(&self.0)
    }
}

/// The counts, as the last line of a run has them, and all others.
fn counts(verdict: &Verdict) -> [u64; 5] {
    [
        verdict.lost,
        verdict.repeated,
        verdict.out_of_order,
        verdict.double_claims,
        verdict.others,
    ]
}

fn three() -> Vec<Entry> {
    vec![
        message(1, "kim", 1),
        message(2, "lee", 1),
        message(3, "kim", 0),
    ]
}

/// What was said of them.
fn said_three() -> Story {
    let mut story = Story::default();
    story
        .said(ROOM, "kim", 1)
        .said(ROOM, "lee", 1)
        .said(ROOM, "kim", 0);
    story
}

#[test]
fn a_history_in_which_all_is_kept_has_nothing_against_it() {
    let mut story = said_three();
    let verdict = story
        .log(ROOM, &three())
        .read("lee/stomp", &three())
        .verdict();
    assert_eq!(
        (verdict.accepted, counts(&verdict)),
        (3, [0; 5]),
        "{verdict:?}"
    );
}

#[test]
fn an_accepted_message_that_the_log_does_not_have_is_lost() {
    let log = [message(1, "kim", 1), message(2, "kim", 0)];
    let verdict = said_three().log(ROOM, &log).verdict();
    assert_eq!(counts(&verdict), [1, 0, 0, 0, 0], "{verdict:?}");
}

#[test]
fn a_message_that_was_not_answered_is_neither_lost_nor_out_of_place() {
    let mut story = Story::default();
    story.sent(ROOM, "kim", 1).unanswered(ROOM, "kim", 1);
    let mut other = Story::default();
    other.sent(ROOM, "kim", 1).unanswered(ROOM, "kim", 1);
    let stored = other.said(ROOM, "kim", 0);
    let late = [message(1, "kim", 0), message(2, "kim", 1)];
    assert!(story.verdict().is_clean());
    assert!(stored.log(ROOM, &late).verdict().is_clean());
}

#[test]
fn a_message_that_is_stored_twice_is_repeated_also_when_nobody_knows_of_it() {
    let log = [
        message(1, "kim", 1),
        message(2, "kim", 1),
        message(3, "kim", 0),
    ];
    let mut story = Story::default();
    story.sent(ROOM, "kim", 1).unanswered(ROOM, "kim", 1);
    let verdict = story.said(ROOM, "kim", 0).log(ROOM, &log).verdict();
    assert_eq!(counts(&verdict), [0, 1, 0, 0, 0], "{verdict:?}");
}

#[test]
fn a_message_that_stands_before_one_that_was_answered_before_it_was_sent_is_out_of_order() {
    let log = [
        message(1, "lee", 1),
        message(2, "kim", 1),
        message(3, "kim", 0),
    ];
    let verdict = said_three().log(ROOM, &log).verdict();
    assert_eq!(counts(&verdict), [0, 0, 1, 0, 0], "{verdict:?}");
    let mut at_once = Story::default();
    at_once.sent(ROOM, "kim", 1).sent(ROOM, "lee", 1);
    at_once.accepted(ROOM, "kim", 1).accepted(ROOM, "lee", 1);
    assert!(
        at_once
            .said(ROOM, "kim", 0)
            .log(ROOM, &log)
            .verdict()
            .is_clean()
    );
}

#[test]
fn a_number_that_is_left_out_is_out_of_order() {
    let log = [
        message(1, "kim", 1),
        message(3, "lee", 1),
        message(4, "kim", 0),
    ];
    let verdict = said_three().log(ROOM, &log).verdict();
    assert_eq!(counts(&verdict), [0, 0, 1, 0, 0], "{verdict:?}");
}

#[test]
fn a_message_that_has_another_number_than_was_answered_is_out_of_order() {
    let mut story = Story::default();
    story.sent(ROOM, "kim", 0).tell(What::Accepted {
        message: name(ROOM, "kim", 0),
        seq: Some(7),
    });
    let verdict = story.log(ROOM, &[message(1, "kim", 0)]).verdict();
    assert_eq!(counts(&verdict), [0, 0, 1, 0, 0], "{verdict:?}");
}

#[test]
fn nodes_that_do_not_have_the_same_log_are_told_apart() {
    let log = three();
    let mut shorter = said_three();
    let shorter = shorter.log_of(1, ROOM, &log).log_of(2, ROOM, &log[..2]);
    assert_eq!(counts(&shorter.verdict()), [1, 0, 0, 0, 0]);
    let other = [log[1].clone(), log[0].clone(), log[2].clone()];
    let mut swapped = said_three();
    let swapped = swapped.log_of(1, ROOM, &other).log_of(2, ROOM, &log);
    assert!(swapped.verdict().out_of_order >= 2);
}

#[test]
fn what_a_reader_did_not_see_is_lost_in_the_middle_and_at_the_end() {
    let log = three();
    let middle = [log[0].clone(), log[2].clone()];
    let verdict = said_three()
        .log(ROOM, &log)
        .read("lee/stomp", &middle)
        .verdict();
    assert_eq!(counts(&verdict), [1, 0, 1, 0, 0], "{verdict:?}");
    let end = &log[..2];
    let verdict = said_three()
        .log(ROOM, &log)
        .read("lee/stomp", end)
        .verdict();
    assert_eq!(counts(&verdict), [1, 0, 0, 0, 0], "{verdict:?}");
}

#[test]
fn what_a_reader_saw_again_is_repeated_and_what_came_late_is_out_of_order() {
    let log = three();
    let again = [0, 1, 1, 2].map(|at: usize| log[at].clone());
    let verdict = said_three()
        .log(ROOM, &log)
        .read("lee/stomp", &again)
        .verdict();
    assert_eq!(counts(&verdict), [0, 1, 0, 0, 0], "{verdict:?}");
    let late = [1, 0, 2].map(|at: usize| log[at].clone());
    let verdict = said_three()
        .log(ROOM, &log)
        .read("lee/stomp", &late)
        .verdict();
    assert_eq!((verdict.lost, verdict.repeated), (0, 0), "{verdict:?}");
    assert!(verdict.out_of_order > 0, "{verdict:?}");
}

#[test]
fn a_reader_who_saw_another_text_than_the_log_has_is_noticed() {
    let log = three();
    let mut other = three();
    "lee 2".clone_into(&mut other[1].text);
    let verdict = said_three()
        .log(ROOM, &log)
        .read("lee/stomp", &other)
        .verdict();
    assert_eq!(counts(&verdict), [0, 0, 1, 0, 0], "{verdict:?}");
}

#[test]
fn a_reset_has_no_reason_where_nothing_is_removed() {
    let mut story = said_three();
    story.log(ROOM, &three()).read("lee/stomp", &three());
    let (reader, room) = ("lee/stomp".to_owned(), ROOM.to_owned());
    let verdict = story.tell(What::Reset { reader, room }).verdict();
    assert_eq!(counts(&verdict), [0, 0, 0, 0, 1], "{verdict:?}");
}

/// A log of the desk whose customer says the last word.
fn desk(entries: Vec<Entry>) -> Story {
    desk_behind(Story::default(), entries)
}

/// The same behind what was told before.
fn desk_behind(mut story: Story, mut entries: Vec<Entry>) -> Story {
    story.said(DESK, DESK, 0);
    entries.push(message(entries.len() as u64 + 1, DESK, 0));
    story.log(DESK, &entries);
    story
}

#[test]
fn agents_who_have_a_room_one_after_the_other_are_fine() {
    let mut story = desk(vec![
        about(1, "assigned", "choi"),
        about(2, "released", "choi"),
        about(3, "assigned", "park"),
        about(4, "handedOver", "choi"),
    ]);
    story
        .claimed("choi")
        .parting("choi")
        .claimed("park")
        .parting("park")
        .claimed("choi");
    assert!(story.verdict().is_clean(), "{:?}", story.verdict());
}

#[test]
fn a_room_that_is_assigned_while_somebody_has_it_is_a_double_claim() {
    let story = desk(vec![
        about(1, "assigned", "choi"),
        about(2, "assigned", "park"),
    ]);
    assert_eq!(counts(&story.verdict()), [0, 0, 0, 1, 0]);
}

#[test]
fn two_agents_who_were_both_told_that_they_have_it_are_a_double_claim() {
    let mut story = desk(vec![about(1, "assigned", "choi")]);
    let verdict = story.claimed("choi").claimed("park").verdict();
    assert_eq!(counts(&verdict), [0, 0, 0, 1, 0], "{verdict:?}");
}

#[test]
fn an_agent_who_may_have_given_the_room_away_is_not_counted_on() {
    let mut story = desk(vec![about(1, "assigned", "choi")]);
    let (agent, room) = ("choi".to_owned(), DESK.to_owned());
    story.claimed("choi").parting("choi");
    story.tell(What::PartingUnanswered { agent, room });
    assert!(story.claimed("choi").claimed("park").verdict().is_clean());
}

#[test]
fn a_message_of_an_agent_who_does_not_have_the_room_is_noticed() {
    let mut story = Story::default();
    story.said(DESK, "park", 1);
    let entries = vec![about(1, "assigned", "choi"), message(2, "park", 1)];
    let verdict = desk_behind(story, entries).verdict();
    assert_eq!(counts(&verdict), [0, 0, 0, 0, 1], "{verdict:?}");
}

#[test]
fn an_agent_who_has_the_room_and_is_refused_is_noticed() {
    let mut story = desk(vec![about(1, "assigned", "choi")]);
    story.claimed("choi").sent(DESK, "choi", 1);
    let verdict = story.refused(DESK, "choi", 1).verdict();
    assert_eq!(counts(&verdict), [0, 0, 0, 0, 1], "{verdict:?}");
    story.parting("choi").sent(DESK, "choi", 2);
    let verdict = story.refused(DESK, "choi", 2).verdict();
    assert_eq!(counts(&verdict), [0, 0, 0, 0, 1], "{verdict:?}");
}

/// Kim's room, from which lee is removed.
fn removal(behind: Vec<Entry>) -> Story {
    removal_behind(Story::default(), behind)
}

/// The same behind what was told before.
fn removal_behind(mut story: Story, behind: Vec<Entry>) -> Story {
    story.said(ROOM, "kim", 0);
    let mut log = vec![about(1, "removed", "lee")];
    log.extend(behind);
    log.push(message(log.len() as u64 + 1, "kim", 0));
    story.log(ROOM, &log);
    story
}

#[test]
fn who_was_removed_is_refused_and_that_is_no_fault() {
    let mut story = removal(Vec::new());
    let verdict = story.sent(ROOM, "lee", 1).refused(ROOM, "lee", 1).verdict();
    assert!(verdict.is_clean(), "{verdict:?}");
}

#[test]
fn a_message_behind_its_senders_removal_is_noticed() {
    let mut story = Story::default();
    story.said(ROOM, "lee", 1);
    let verdict = removal_behind(story, vec![message(2, "lee", 1)]).verdict();
    assert_eq!(counts(&verdict), [0, 0, 0, 0, 1], "{verdict:?}");
}

#[test]
fn what_was_refused_and_stands_in_the_log_is_noticed_unless_an_attempt_was_not_answered() {
    let log = [
        message(1, "lee", 1),
        about(2, "removed", "lee"),
        message(3, "kim", 0),
    ];
    let told = |story: &mut Story| story.said(ROOM, "kim", 0).log(ROOM, &log).verdict();
    let mut story = Story::default();
    let verdict = told(story.sent(ROOM, "lee", 1).refused(ROOM, "lee", 1));
    assert_eq!(counts(&verdict), [0, 0, 0, 0, 1], "{verdict:?}");
    let mut story = Story::default();
    story.sent(ROOM, "lee", 1).unanswered(ROOM, "lee", 1);
    let verdict = told(story.sent(ROOM, "lee", 1).refused(ROOM, "lee", 1));
    assert!(verdict.is_clean(), "{verdict:?}");
}

#[test]
fn who_is_refused_with_a_right_is_noticed() {
    let mut story = said_three();
    story.log(ROOM, &three());
    let verdict = story.sent(ROOM, "lee", 2).refused(ROOM, "lee", 2).verdict();
    assert_eq!(counts(&verdict), [0, 0, 0, 0, 1], "{verdict:?}");
}

#[test]
fn who_was_removed_and_sees_what_comes_behind_it_is_noticed() {
    let mut story = removal(Vec::new());
    let (reader, room) = ("lee/stomp".to_owned(), ROOM.to_owned());
    let seen = [about(1, "removed", "lee"), message(2, "kim", 0)];
    story.read("lee/stomp", &seen);
    let verdict = story.tell(What::Ended { reader, room }).verdict();
    assert_eq!(counts(&verdict), [0, 0, 0, 0, 1], "{verdict:?}");
}

#[test]
fn what_nobody_sent_is_noticed() {
    let log = [
        message(1, "kim", 1),
        message(2, "lee", 1),
        message(3, "lee", 9),
        message(4, "kim", 0),
    ];
    let verdict = said_three().log(ROOM, &log).verdict();
    assert_eq!(counts(&verdict), [0, 0, 0, 0, 1], "{verdict:?}");
}

#[test]
fn a_history_is_read_as_it_was_written() {
    let mut story = said_three();
    story
        .log(ROOM, &three())
        .read("lee/stomp", &three())
        .claimed("choi");
    let lines = story
        .0
        .iter()
        .map(|event| serde_json::to_string(event).unwrap());
    let back: Vec<Event> = lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    assert_eq!(back, story.0);
}
