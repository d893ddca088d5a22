//! Which threshold to use: the smallest one that is about as fast as the fastest.
//!
//! Pure, from groups. More pictures in flight than that cost latency and memory and buy nothing.

use serde::Serialize;

use crate::contract::{Codec, LockPlacement};
use crate::record::Case;
use crate::stats::metrics::Metric;
use crate::stats::summary::Group;
use crate::units;

/// A median wall time this close to the shortest one counts as just as fast.
const ABOUT_AS_FAST_PCT: f64 = 1.0;

/// The knee of one codec and lock placement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Recommendation {
    pub codec: Codec,
    pub lock: LockPlacement,
    /// The case to use.
    pub case: Case,
    /// The case with the shortest median wall time, maybe the same.
    pub fastest: Case,
    /// Why, in words.
    pub reason: String,
}

/// Which two cases of one session to hold against each other when nobody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DefaultPair {
    pub codec: Codec,
    pub before: Case,
    pub after: Case,
    /// Why, in words.
    pub reason: String,
}

/// For each codec and lock placement the smallest threshold whose median wall time is within 1 % of the shortest one.
/// Cases with a failed run or without a good one are never recommended. In the order of `groups`.
pub fn recommend(groups: &[Group]) -> Vec<Recommendation> {
    let sound = sound(groups);
    let mut recommendations: Vec<Recommendation> = Vec::new();
    for (group, _) in &sound {
        let Case { codec, lock, .. } = group.case;
        if recommendations.iter().any(|known| known.codec == codec && known.lock == lock) {
            continue;
        }
        let family = |case: &Case| case.codec == codec && case.lock == lock;
        let members: Vec<_> = sound.iter().copied().filter(|(group, _)| family(&group.case)).collect();
        recommendations.extend(knee(&members));
    }
    recommendations
}

/// For each codec with two cases or more: before is the serial case, or else the smallest threshold of the first lock
/// placement. After is the recommended case of the placement that is fastest with it (of placements within 1 % the
/// first); if that is what before is already, the fastest of the others.
pub fn default_pair(groups: &[Group]) -> Vec<DefaultPair> {
    let recommendations = recommend(groups);
    let mut pairs: Vec<DefaultPair> = Vec::new();
    for codec in groups.iter().map(|group| group.case.codec) {
        if pairs.iter().all(|pair| pair.codec != codec) {
            pairs.extend(pair(codec, groups, &recommendations));
        }
    }
    pairs
}

type Timed<'a> = (&'a Group, f64);

/// Groups that may be recommended, with their median wall time in milliseconds. The median, because one disturbed run
/// moves a mean by more than the 1 % that decides.
fn sound(groups: &[Group]) -> Vec<Timed<'_>> {
    let timed = |group| Group::spread(group, Metric::WallMs).map(|wall_ms| (group, wall_ms.p50));
    let of_here = |group: &&Group| group.case.client.is_here() && group.num_failed == 0;
    groups.iter().filter(of_here).filter_map(timed).collect()
}

/// The group with the shortest median wall time, and the one that `order` puts first among those about as fast.
fn fastest_and_first<'a, K: Ord>(members: &[Timed<'a>], order: impl Fn(&Group) -> K) -> Option<(Timed<'a>, Timed<'a>)> {
    let fastest = members.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let limit_ms = fastest.1 * (1.0 + ABOUT_AS_FAST_PCT / 100.0);
    let first =
        members.iter().copied().filter(|(_, wall_ms)| *wall_ms <= limit_ms).min_by_key(|(group, _)| order(group))?;
    Some((fastest, first))
}

fn knee(members: &[Timed<'_>]) -> Option<Recommendation> {
    let (fastest, first) = fastest_and_first(members, |group| group.case.reap_threshold)?;
    let Case { codec, lock, reap_threshold, .. } = first.0.case;
    let reason = if first.0.case == fastest.0.case {
        format!(
            "T={reap_threshold} {lock} has the shortest median wall time, {}, and no smaller threshold comes within {}",
            units::ms(first.1),
            units::pct(ABOUT_AS_FAST_PCT)
        )
    } else {
        format!(
            "T={reap_threshold} {lock} takes {}, within {} of the fastest (T={}, {}): more in flight buys no time",
            units::ms(first.1),
            units::pct(ABOUT_AS_FAST_PCT),
            fastest.0.case.reap_threshold,
            units::ms(fastest.1)
        )
    };
    Some(Recommendation { codec, lock, case: first.0.case, fastest: fastest.0.case, reason })
}

fn pair(codec: Codec, groups: &[Group], recommendations: &[Recommendation]) -> Option<DefaultPair> {
    let (before, why_before) = before(codec, groups)?;
    let sound = sound(groups);
    let is_recommended = |case: Case| recommendations.iter().any(|known| known.case == case);
    let candidates: Vec<_> =
        sound.iter().copied().filter(|(group, _)| group.case.codec == codec && is_recommended(group.case)).collect();
    let place = |group: &Group| groups.iter().position(|other| other.case == group.case);
    let (_, (best, _)) = fastest_and_first(&candidates, place)?;
    let (after, why_after) = if best.case == before {
        let others: Vec<_> =
            sound.into_iter().filter(|(group, _)| group.case.codec == codec && group.case != before).collect();
        let ((fastest, _), _) = fastest_and_first(&others, place)?;
        (fastest.case, "the fastest of the others, since before is already the recommended one")
    } else {
        (best.case, "the recommended one")
    };
    Some(DefaultPair { codec, before, after, reason: format!("before is {why_before}; after is {why_after}") })
}

fn before(codec: Codec, groups: &[Group]) -> Option<(Case, &'static str)> {
    let cases = || groups.iter().map(|group| group.case).filter(|case| case.codec == codec && case.client.is_here());
    if let Some(serial) = cases().find(Case::is_serial) {
        return Some((serial, "serial (T=1 inline)"));
    }
    let first_lock = cases().next()?.lock;
    let smallest = cases().filter(|case| case.lock == first_lock).min_by_key(|case| case.reap_threshold)?;
    Some((smallest, "the smallest threshold, since no case is serial"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::fixture::{case, group};

    use LockPlacement::{Inline, Thread};

    #[test]
    fn the_smallest_of_the_fast_ones_is_recommended() {
        let groups = [
            group(case(1, Inline), &[200.0]),
            group(case(2, Inline), &[101.5]),
            group(case(4, Inline), &[100.9]),
            group(case(8, Inline), &[100.0]),
            group(case(4, Thread), &[99.0]),
        ];
        let chosen: Vec<_> = recommend(&groups).iter().map(|known| (known.case, known.fastest)).collect();
        let expected = [(case(4, Inline), case(8, Inline)), (case(4, Thread), case(4, Thread))];
        assert_eq!(chosen, expected);
    }

    #[test]
    fn a_case_that_failed_is_not_recommended() {
        let mut groups = [group(case(1, Inline), &[200.0]), group(case(4, Inline), &[100.0])];
        groups[1].num_failed = 1;
        assert_eq!(recommend(&groups)[0].case, case(1, Inline));
        assert_eq!(recommend(&[]), []);
    }

    #[test]
    fn serial_is_held_against_the_recommended_one() {
        let groups =
            [group(case(4, Inline), &[100.0]), group(case(1, Inline), &[200.0]), group(case(2, Thread), &[99.5])];
        let pairs = default_pair(&groups);
        // The thread is faster by 0.5 %, which is not enough to prefer it to the placement named first.
        assert_eq!((pairs[0].before, pairs[0].after), (case(1, Inline), case(4, Inline)));
    }

    #[test]
    fn without_a_gain_the_fastest_other_is_after() {
        let groups =
            [group(case(1, Inline), &[100.0]), group(case(2, Inline), &[101.0]), group(case(4, Inline), &[100.5])];
        let pairs = default_pair(&groups);
        assert_eq!((pairs[0].before, pairs[0].after), (case(1, Inline), case(4, Inline)));
    }

    #[test]
    fn without_a_serial_case_the_smallest_threshold_is_before() {
        let groups =
            [group(case(8, Thread), &[90.0]), group(case(2, Thread), &[100.0]), group(case(1, Thread), &[150.0])];
        let pairs = default_pair(&groups);
        assert_eq!((pairs[0].before, pairs[0].after), (case(1, Thread), case(8, Thread)));
        assert_eq!(default_pair(&groups[..1]), []);
    }
}
