//! What happens in a round, drawn from its seed before it begins.

mod parse;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use madang_e2e::dice::Dice;

use crate::spec::Combination;

/// A process that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// By its index.
    Node(usize),
    Bus,
    Store,
}

/// What a node is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Bus,
    Store,
}

/// What goes wrong, until it is made good again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL; later it is started again.
    Kill(Part),
    /// SIGTERM to a node, by its index; it is started again once it has ended by itself.
    Drain(usize),
    /// SIGSTOP; later SIGCONT.
    Freeze(Part),
    /// A node's connections to it are reset, and new ones refused.
    Cut(usize, Link),
    /// Nothing passes between a node and it, and nothing says so.
    Stall(usize, Link),
    /// Everything between a node and it comes late.
    Delay(usize, Link),
    /// All connections of clients are reset.
    CutClients,
}

/// What a round is about: a line of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Mixed,
    KillNode,
    DrainNode,
    FreezeNode,
    KillBus,
    FreezeBus,
    KillStore,
    FreezeStore,
    CutBus,
    StallBus,
    DelayBus,
    CutStore,
    StallStore,
    DelayStore,
    CutClients,
}

/// Faults that begin together.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// How many messages are accepted first, behind the end of the step before.
    pub(crate) after: u64,
    /// Each with how long it lasts.
    pub(crate) faults: Vec<(Fault, Duration)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) steps: Vec<Step>,
}

/// Messages between two steps.
const ACCEPTED: Range<u64> = 50..400;
const STEPS: usize = 3;
const STEPS_MIXED: usize = 4;
/// How much later a piece comes that is delayed.
pub(crate) const DELAY: Duration = Duration::from_millis(40);

impl Kind {
    const ALL: [Self; 15] = [
        Self::Mixed,
        Self::KillNode,
        Self::DrainNode,
        Self::FreezeNode,
        Self::KillBus,
        Self::FreezeBus,
        Self::KillStore,
        Self::FreezeStore,
        Self::CutBus,
        Self::StallBus,
        Self::DelayBus,
        Self::CutStore,
        Self::StallStore,
        Self::DelayStore,
        Self::CutClients,
    ];

    /// Those that a cluster can have.
    pub(crate) fn of(combination: Combination) -> Vec<Self> {
        let possible = |kind: &Self| match kind {
            Self::KillBus | Self::FreezeBus | Self::CutBus | Self::StallBus | Self::DelayBus => {
                combination.has_bus_server()
            }
            Self::KillStore
            | Self::FreezeStore
            | Self::CutStore
            | Self::StallStore
            | Self::DelayStore => combination.has_store_server(),
            Self::Mixed
            | Self::KillNode
            | Self::DrainNode
            | Self::FreezeNode
            | Self::CutClients => true,
        };
        Self::ALL.into_iter().filter(possible).collect()
    }

    /// The kind of a round, by its number from 0: some of all first, then each in turn.
    pub(crate) fn of_round(combination: Combination, number: usize) -> Self {
        let kinds = Self::of(combination);
        kinds[number % kinds.len()]
    }

    /// A fault of this kind, which is not mixed, on some node.
    fn fault(self, node: usize) -> Fault {
        match self {
            Self::KillNode => Fault::Kill(Part::Node(node)),
            Self::DrainNode => Fault::Drain(node),
            Self::FreezeNode => Fault::Freeze(Part::Node(node)),
            Self::KillBus => Fault::Kill(Part::Bus),
            Self::FreezeBus => Fault::Freeze(Part::Bus),
            Self::KillStore => Fault::Kill(Part::Store),
            Self::FreezeStore => Fault::Freeze(Part::Store),
            Self::CutBus => Fault::Cut(node, Link::Bus),
            Self::StallBus => Fault::Stall(node, Link::Bus),
            Self::DelayBus => Fault::Delay(node, Link::Bus),
            Self::CutStore => Fault::Cut(node, Link::Store),
            Self::StallStore => Fault::Stall(node, Link::Store),
            Self::DelayStore => Fault::Delay(node, Link::Store),
            Self::CutClients | Self::Mixed => Fault::CutClients,
        }
    }
}

impl Plan {
    pub(crate) fn draw(dice: &mut Dice, combination: Combination, kind: Kind) -> Self {
        let steps = match kind {
            Kind::Mixed => (0..STEPS_MIXED)
                .map(|_| mixed_step(dice, combination))
                .collect(),
            kind => (0..STEPS)
                .map(|_| Step {
                    after: within(dice, ACCEPTED),
                    faults: vec![drawn(dice, combination, kind)],
                })
                .collect(),
        };
        Self { kind, steps }
    }
}

/// One fault, or two that do not touch the same.
fn mixed_step(dice: &mut Dice, combination: Combination) -> Step {
    let kinds = Kind::of(combination);
    let mut faults: Vec<(Fault, Duration)> = Vec::new();
    for _ in 0..=dice.below(2) {
        let kind = kinds[1 + dice.below(kinds.len() - 1)];
        let (fault, lasts) = drawn(dice, combination, kind);
        if faults
            .iter()
            .all(|(other, _)| touches(*other) != touches(fault))
        {
            faults.push((fault, lasts));
        }
    }
    Step {
        after: within(dice, ACCEPTED),
        faults,
    }
}

fn drawn(dice: &mut Dice, combination: Combination, kind: Kind) -> (Fault, Duration) {
    let fault = kind.fault(dice.below(combination.nodes()));
    let milliseconds = match fault {
        Fault::Kill(_) | Fault::Cut(..) => within(dice, 50..2_000),
        // Some outlast the patience of clients, nodes and drivers, some do not.
        Fault::Freeze(_) | Fault::Stall(..) => within(dice, 500..9_000),
        Fault::Delay(..) => within(dice, 1_000..4_000),
        Fault::Drain(_) | Fault::CutClients => 0,
    };
    (fault, Duration::from_millis(milliseconds))
}

/// What must not be under two faults at once: a process that is dead cannot be frozen.
fn touches(fault: Fault) -> (Option<Part>, Option<(usize, Link)>) {
    match fault {
        Fault::Kill(part) | Fault::Freeze(part) => (Some(part), None),
        Fault::Cut(node, link) | Fault::Stall(node, link) | Fault::Delay(node, link) => {
            (None, Some((node, link)))
        }
        Fault::Drain(node) => (Some(Part::Node(node)), None),
        Fault::CutClients => (None, None),
    }
}

fn within(dice: &mut Dice, range: Range<u64>) -> u64 {
    range.start + dice.bits() % (range.end - range.start)
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(f, "node {}", node + 1),
            Self::Bus => f.write_str("bus"),
            Self::Store => f.write_str("store"),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bus => "bus",
            Self::Store => "store",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(part) => write!(f, "kill {part}"),
            Self::Drain(node) => write!(f, "drain node {}", node + 1),
            Self::Freeze(part) => write!(f, "freeze {part}"),
            Self::Cut(node, link) => write!(f, "cut node {} from {link}", node + 1),
            Self::Stall(node, link) => write!(f, "stall node {} and {link}", node + 1),
            Self::Delay(node, link) => write!(f, "delay node {} and {link}", node + 1),
            Self::CutClients => f.write_str("cut clients"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mixed => "several at once",
            Self::KillNode => "node killed",
            Self::DrainNode => "node drained",
            Self::FreezeNode => "node frozen",
            Self::KillBus => "bus killed",
            Self::FreezeBus => "bus frozen",
            Self::KillStore => "database killed",
            Self::FreezeStore => "database frozen",
            Self::CutBus => "node cut from bus",
            Self::StallBus => "node and bus stalled",
            Self::DelayBus => "bus late",
            Self::CutStore => "node cut from database",
            Self::StallStore => "node and database stalled",
            Self::DelayStore => "database late",
            Self::CutClients => "clients cut",
        })
    }
}

/// `after 74: kill node 2 for 812 ms, cut clients; after …`
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}after {}: ", step.after)?;
            for (at, (fault, lasts)) in step.faults.iter().enumerate() {
                let separator = if at == 0 { "" } else { ", " };
                write!(f, "{separator}{fault}")?;
                if !lasts.is_zero() {
                    write!(f, " for {} ms", lasts.as_millis())?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{BusKind, StoreKind};

    const CLUSTER: Combination = Combination {
        store: StoreKind::Postgres,
        bus: BusKind::Redis,
    };

    #[test]
    fn a_seed_makes_the_same_plan_each_time() {
        let plan = |seed| {
            let mut dice = Dice::new(seed, 0, 0);
            Plan::draw(&mut dice, CLUSTER, Kind::Mixed).to_string()
        };
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
    }

    #[test]
    fn a_plan_is_read_as_it_is_printed() {
        for seed in 0..200 {
            let plan = Plan::draw(&mut Dice::new(seed, 0, 0), CLUSTER, Kind::Mixed);
            let printed = plan.to_string();
            let read: Plan = printed.parse().unwrap();
            assert_eq!(read.to_string(), printed);
            assert_eq!(read.fits(CLUSTER), Ok(()));
        }
    }

    #[test]
    fn a_plan_that_cannot_be_is_refused_in_words() {
        let alone = Combination {
            store: StoreKind::Sqlite,
            bus: BusKind::Local,
        };
        let plan: Plan = "after 1: kill store for 5 ms".parse().unwrap();
        assert_eq!(
            plan.fits(alone),
            Err("sqlite and local cannot kill store".to_owned())
        );
        let plan: Plan = "after 1: kill node 2, freeze node 2 for 5 ms"
            .parse()
            .unwrap();
        assert!(plan.fits(CLUSTER).is_err());
        for wrong in [
            "",
            "after x: cut clients",
            "after 1: kill",
            "after 1: drain node 0",
        ] {
            assert!(wrong.parse::<Plan>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn rounds_have_every_fault_that_the_cluster_can_have_and_no_other() {
        let kinds = |combination| -> Vec<Kind> {
            let count = Kind::of(combination).len();
            let of_round = |number| Kind::of_round(combination, number);
            (0..count).map(of_round).collect()
        };
        assert_eq!(kinds(CLUSTER), Kind::ALL);
        let alone = Combination {
            store: StoreKind::Sqlite,
            bus: BusKind::Local,
        };
        let expected = [
            Kind::Mixed,
            Kind::KillNode,
            Kind::DrainNode,
            Kind::FreezeNode,
            Kind::CutClients,
        ];
        assert_eq!(kinds(alone), expected);
    }

    #[test]
    fn no_step_has_two_faults_of_the_same() {
        for seed in 0..500 {
            let plan = Plan::draw(&mut Dice::new(seed, 0, 0), CLUSTER, Kind::Mixed);
            for step in plan.steps {
                if let [(one, _), (other, _)] = step.faults[..] {
                    assert_ne!(touches(one), touches(other), "{one}, {other}");
                }
            }
        }
    }
}
