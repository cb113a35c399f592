//! A plan that somebody wrote, in the words in which plans are printed.

use std::str::FromStr;
use std::time::Duration;

use super::{Fault, Kind, Link, Part, Plan, Step, touches};
use crate::spec::Combination;

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let steps = text.split(';').map(step).collect::<Result<_, _>>()?;
        Ok(Self {
            kind: Kind::Mixed,
            steps,
        })
    }
}

impl Plan {
    /// # Errors
    /// What the cluster does not have, or what two faults of a step touch.
    pub(crate) fn fits(&self, combination: Combination) -> Result<(), String> {
        for step in &self.steps {
            for (at, &(fault, _)) in step.faults.iter().enumerate() {
                if !has(combination, fault) {
                    return Err(format!("{combination} cannot {fault}"));
                }
                let others = &mut step.faults[..at].iter();
                if others.any(|&(other, _)| touches(other) == touches(fault)) {
                    return Err(format!("{fault}, while something else is done to the same"));
                }
            }
        }
        Ok(())
    }
}

fn has(combination: Combination, fault: Fault) -> bool {
    let (part, link) = touches(fault);
    let node = match (part, link) {
        (Some(Part::Node(node)), _) | (_, Some((node, _))) => node,
        _ => 0,
    };
    let bus = part == Some(Part::Bus) || matches!(link, Some((_, Link::Bus)));
    let store = part == Some(Part::Store) || matches!(link, Some((_, Link::Store)));
    node < combination.nodes()
        && (!bus || combination.has_bus_server())
        && (!store || combination.has_store_server())
}

/// `after 74: kill node 2 for 812 ms, cut clients`
fn step(text: &str) -> Result<Step, String> {
    let wrong = || format!("{text:?} is not: after NUMBER: FAULT for NUMBER ms, …");
    let (after, faults) = text.split_once(':').ok_or_else(wrong)?;
    let after = after.trim().strip_prefix("after ").ok_or_else(wrong)?;
    Ok(Step {
        after: after.trim().parse().map_err(|_| wrong())?,
        faults: faults.split(',').map(lasting).collect::<Result<_, _>>()?,
    })
}

fn lasting(text: &str) -> Result<(Fault, Duration), String> {
    let Some((fault, lasts)) = text.split_once(" for ") else {
        return Ok((fault(text)?, Duration::ZERO));
    };
    let milliseconds = lasts.trim().strip_suffix("ms").map(str::trim);
    let milliseconds = milliseconds.and_then(|number| number.parse().ok());
    let milliseconds = milliseconds.ok_or_else(|| format!("{lasts:?} is not: NUMBER ms"))?;
    Ok((self::fault(fault)?, Duration::from_millis(milliseconds)))
}

fn fault(text: &str) -> Result<Fault, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["cut", "clients"] => Ok(Fault::CutClients),
        ["drain", "node", number] => Ok(Fault::Drain(node(number)?)),
        ["cut", "node", number, "from", to] => Ok(Fault::Cut(node(number)?, link(to)?)),
        ["stall", "node", number, "and", to] => Ok(Fault::Stall(node(number)?, link(to)?)),
        ["delay", "node", number, "and", to] => Ok(Fault::Delay(node(number)?, link(to)?)),
        ["kill", ref whom @ ..] => Ok(Fault::Kill(part(whom)?)),
        ["freeze", ref whom @ ..] => Ok(Fault::Freeze(part(whom)?)),
        _ => Err(format!("{text:?} is no fault")),
    }
}

fn part(words: &[&str]) -> Result<Part, String> {
    match words {
        ["bus"] => Ok(Part::Bus),
        ["store"] => Ok(Part::Store),
        ["node", number] => Ok(Part::Node(node(number)?)),
        _ => Err(format!("{words:?} is neither a node nor bus nor store")),
    }
}

fn link(word: &str) -> Result<Link, String> {
    match word {
        "bus" => Ok(Link::Bus),
        "store" => Ok(Link::Store),
        _ => Err(format!("{word:?} is neither bus nor store")),
    }
}

/// Counted from 1.
fn node(number: &str) -> Result<usize, String> {
    let node = number.parse::<usize>().ok();
    let node = node.and_then(|number| number.checked_sub(1));
    node.ok_or_else(|| format!("{number:?} is no node"))
}
