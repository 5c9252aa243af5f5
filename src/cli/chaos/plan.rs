//! What is done to an issue and when, by the seed.

use std::collections::VecDeque;

use super::dice::Dice;

/// Something that goes wrong, or that an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Case 28: a sender is killed with -9.
    Kill,
    /// Case 38: so is one that has just been started, perhaps in its snapshot.
    EarlyKill,
    /// Case 29: Postgres is killed.
    KillPostgres,
    /// Case 21: the relay is away until the send has paused, and a little longer.
    Away,
    /// Case 21: so long it puts everybody off by policy.
    Wary,
    /// Case 32: a sender is stopped for longer than its lease, then continues.
    Stop,
    /// Case 33: the disk is full for a while.
    FullDisk,
    /// Case 34: a sender is cut off from Postgres for three leases.
    Cut,
    /// Case 36: the issue is paused from elsewhere, then resumed.
    Pause,
    /// Case 36: a sender is asked to end.
    Terminate,
    /// Case 36: the issue is cancelled from elsewhere.
    Cancel,
    /// Case 37: the next reader of those who leave unsubscribes.
    Leave,
}

/// How often each fault is to happen.
pub(super) type Amounts = Vec<(Fault, u64)>;

/// The faults of one issue, each with how many readers must have been judged before.
pub(super) fn plan(dice: &mut Dice, amounts: &Amounts, audience: u64) -> VecDeque<(u64, Fault)> {
    // Not in the last part: who is refused or leaves is judged by nobody.
    let end = audience * 9 / 10;
    let mut plan: Vec<_> = amounts
        .iter()
        .flat_map(|(fault, amount)| (0..*amount).map(|_| *fault))
        .map(|fault| match fault {
            Fault::EarlyKill => (0, fault),
            // Late enough that there is something to lose, early enough that something is left when the command runs.
            Fault::Cancel => (end / 10 + dice.below(end / 10), fault),
            // Not before the fresh ones are few: it counts from the second try.
            Fault::Wary => (end * 9 / 10 + dice.below(end / 10), fault),
            Fault::Away | Fault::Stop | Fault::Cut | Fault::FullDisk => (dice.below(end / 2), fault),
            _ => (dice.below(end), fault),
        })
        .collect();
    plan.sort_by_key(|(at, _)| *at);
    plan.into()
}

/// Part number `at` of `amount` when it is shared out over `parts`.
pub(super) fn share(amount: u64, at: u64, parts: u64) -> u64 {
    amount * (at + 1) / parts - amount * at / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        for (amount, parts) in [(0, 3), (1, 3), (7, 3), (1000, 50), (5, 8)] {
            assert_eq!((0..parts).map(|at| share(amount, at, parts)).sum::<u64>(), amount);
        }
    }

    #[test]
    fn a_seed_plans_the_same_every_time() {
        let planned = |seed| plan(&mut Dice::new(seed, "plan"), &vec![(Fault::Kill, 5), (Fault::Pause, 2)], 1000);
        assert_eq!(planned(3), planned(3));
        assert_eq!(planned(3).len(), 7);
        assert!(planned(3).iter().all(|(at, _)| *at < 900));
    }
}
