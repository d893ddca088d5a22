//! Which threshold to use: the smallest one that is not slower than the fastest by more than the margin, among those whose
//! latency was paid for.
//!
//! Pure, from runs. More pictures in flight than that cost latency and memory and buy nothing. A case whose latency tail
//! fails the built-in guard against the serial one is not asked: what noise makes the fastest would fail the comparison
//! that comes next. The best of many looks better than it is, so what was chosen is held against its rival once more, in
//! runs that had no part in the choice.

use serde::Serialize;

use crate::contract::Codec;
use crate::record::Case;
use crate::stats::criteria::Criteria;
use crate::stats::gate::Gate;
use crate::stats::inspect;
use crate::stats::interval::{ChangeInterval, Sides, in_common_rounds};
use crate::stats::judge::judge_tail;
use crate::stats::margin::{Margin, NoiseFloor};
use crate::stats::metrics::Metric;
use crate::stats::spread::median;
use crate::stats::summary::{RunSummary, groups};

mod words;

/// Two-sided, so that each end alone is a one-sided bound at 95 %. It takes 5 rounds.
const BOUND_LEVEL: f64 = 0.90;

/// What to use for one codec.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recommendation {
    /// For what.
    pub codec: Codec,
    /// The case to use: what the sweep chose, or where fresh runs spoke against that, the next in line.
    pub case: Case,
    /// What the sweep alone chose.
    pub chosen: Case,
    /// The case with the shortest median wall time of those whose latency was paid for, maybe the same.
    pub fastest: Case,
    /// What the choice was held against in fresh runs, or would be; `None`: there is no other case.
    pub rival: Option<Case>,
    /// What counts as slower.
    pub margin: Margin,
    /// What the fresh runs say; `None`: there are none.
    pub fresh: Option<Fresh>,
    /// Every sound case of the codec, in the order of the plan.
    pub candidates: Vec<Candidate>,
    /// Why, in words.
    pub reason: String,
}

/// One case that could be used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Candidate {
    /// Which.
    pub case: Case,
    /// Median wall time.
    pub wall_ms: f64,
    /// Upper one-sided 95 % bound of how much longer it takes than the fastest; `None`: too few rounds.
    pub slower_at_most_pct: Option<f64>,
    /// Within the margin of the fastest, its latency paid for?
    pub is_fast: bool,
    /// Does its latency tail not fail the built-in guard against the serial case, or the smallest threshold?
    pub is_paid_for: bool,
    /// About how many more rounds would show that it is, where the estimate says so and the bound does not.
    pub more_rounds: Option<u32>,
    /// Median of the runs' latency p99, or of the highest percentile that their frames bear.
    pub tail_ms: Option<f64>,
    /// No other case is both faster and quicker to give its packets.
    pub is_on_front: bool,
}

/// Chosen case and rival, run once more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fresh {
    /// Wall time from rival to chosen case; its upper end is the one-sided 95 % bound.
    pub change: ChangeInterval,
    /// Not slower than the rival by more than the margin? `None`: the fresh runs do not say, or a gate stands against it.
    pub holds: Option<bool>,
    /// That gate.
    pub gate: Option<Gate>,
}

impl Recommendation {
    /// Have runs said so that had no part in the choice?
    pub fn is_confirmed(&self) -> bool {
        self.fresh.as_ref().is_some_and(|fresh| fresh.holds == Some(true))
    }
}

/// Which two cases of one session to hold against each other when nobody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DefaultPair {
    pub codec: Codec,
    pub before: Case,
    pub after: Case,
}

/// For each codec the smallest threshold whose wall time is not longer than the shortest by more than the margin, of those
/// whose latency was paid for; of several lock placements with that threshold the one with the lowest latency tail. Cases with a failed run or without
/// a good one are never recommended. `noise`: what this machine was found to show between equal things.
pub fn recommend(runs: &[RunSummary], noise: Option<&NoiseFloor>) -> Vec<Recommendation> {
    let sound = sound(runs);
    let mut codecs: Vec<Codec> = Vec::new();
    for one in &sound {
        if !codecs.contains(&one.case.codec) {
            codecs.push(one.case.codec);
        }
    }
    let of = |codec| sound.iter().filter(|sound| sound.case.codec == codec).collect::<Vec<_>>();
    codecs.into_iter().filter_map(|codec| recommend_of(&of(codec), runs, noise)).collect()
}

/// For each codec with two cases or more: before is the serial case, or else the smallest threshold of the first lock
/// placement. After is the recommended case; if that is what before is already, the fastest of the others.
pub fn default_pair(runs: &[RunSummary], noise: Option<&NoiseFloor>) -> Vec<DefaultPair> {
    let groups = groups(runs);
    let of =
        |codec| groups.iter().map(|group| group.case).filter(move |case| case.codec == codec && case.client.is_here());
    recommend(runs, noise).iter().filter_map(|known| pair(known, &of(known.codec).collect::<Vec<_>>())).collect()
}

/// A case, its good counted runs of the sweep proper, and their median wall time.
struct Sound<'a> {
    case: Case,
    runs: Vec<&'a RunSummary>,
    wall_ms: f64,
}

fn sound(runs: &[RunSummary]) -> Vec<Sound<'_>> {
    let sound = |case: Case| {
        let of_case = || runs.iter().filter(move |run| run.case == case);
        let good: Vec<_> = of_case().filter(|run| run.counts() && !run.fresh).collect();
        let is_sound = case.client.is_here() && of_case().all(|run| run.error.is_none());
        let wall_ms = median(&good.iter().map(|run| run.wall_ms).collect::<Vec<_>>())?;
        is_sound.then_some(Sound { case, runs: good, wall_ms })
    };
    groups(runs).into_iter().filter_map(|group| sound(group.case)).collect()
}

fn recommend_of(sound: &[&Sound<'_>], runs: &[RunSummary], noise: Option<&NoiseFloor>) -> Option<Recommendation> {
    let reference = reference(&sound.iter().map(|one| one.case).collect::<Vec<_>>())?;
    let reference = sound.iter().find(|one| one.case == reference)?;
    let paid_for: Vec<_> = sound.iter().copied().filter(|one| is_paid_for(one, reference)).collect();
    let fastest = paid_for.iter().copied().min_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms))?;
    let margin_of = |one: Case, other: Case| Margin::of(Metric::WallMs, [(noise, one), (noise, other)]).capped();
    let mut candidates: Vec<_> =
        sound.iter().map(|one| candidate(one, fastest, &margin_of(one.case, fastest.case))).collect();
    for candidate in &mut candidates {
        candidate.is_paid_for = paid_for.iter().any(|one| one.case == candidate.case);
        if !candidate.is_paid_for {
            (candidate.is_fast, candidate.more_rounds) = (false, None);
        }
    }
    let on_front: Vec<_> = candidates.iter().map(|one| is_on_front(one, &candidates)).collect();
    candidates.iter_mut().zip(on_front).for_each(|(one, is_on_front)| one.is_on_front = is_on_front);
    let rank = |one: &Candidate| (one.case.reap_threshold, one.tail_ms.unwrap_or(f64::INFINITY));
    let mut in_line: Vec<_> = candidates.iter().filter(|one| one.is_fast).collect();
    in_line.sort_by(|a, b| {
        let ((threshold, tail_ms), (other, other_ms)) = (rank(a), rank(b));
        threshold.cmp(&other).then(tail_ms.total_cmp(&other_ms))
    });
    let chosen = *in_line.first()?;
    let rival = rival(chosen.case, fastest.case, &candidates);
    let fresh = rival.and_then(|rival| fresh(runs, chosen.case, rival, &margin_of(chosen.case, rival)));
    let is_refuted = fresh.as_ref().is_some_and(|fresh| fresh.holds == Some(false));
    let next = in_line.get(1).map(|next| next.case).or(rival);
    let case = next.filter(|_| is_refuted).unwrap_or(chosen.case);
    let margin = margin_of(chosen.case, fastest.case);
    let mut reason = words::why_chosen(chosen, fastest, &candidates, &margin);
    match rival.zip(fresh.as_ref()) {
        Some((rival, fresh)) => reason.push_str(&words::what_fresh_runs_say(fresh, rival, case)),
        None if rival.is_some() => reason.push_str(". Not run afresh"),
        None => {}
    }
    Some(Recommendation {
        codec: case.codec,
        case,
        chosen: chosen.case,
        fastest: fastest.case,
        rival,
        margin,
        fresh,
        candidates,
        reason,
    })
}

fn candidate(one: &Sound<'_>, fastest: &Sound<'_>, margin: &Margin) -> Candidate {
    let is_fastest = one.case == fastest.case;
    let sides = Sides { before: &fastest.runs, after: &one.runs, is_paired: true };
    let bound = sides.change_at(Metric::WallMs, BOUND_LEVEL).filter(|_| !is_fastest);
    let slower_at_most_pct =
        if is_fastest { has_rounds(one).then_some(0.0) } else { bound.and_then(|bound| bound.high_pct) };
    let by_median = 100.0 * (one.wall_ms / fastest.wall_ms - 1.0);
    let is_fast = slower_at_most_pct.unwrap_or(by_median) <= margin.pct;
    let unproven = bound.filter(|bound| !is_fast && bound.estimate_pct < margin.pct);
    let more_rounds = unproven.and_then(|bound| bound.more_to_clear(margin.pct));
    let frames = one.runs.iter().map(|run| run.packets).min().unwrap_or(0);
    let tail: Vec<_> = one.runs.iter().filter_map(|run| run.value(tail_of(frames))).collect();
    let tail_ms = median(&tail);
    Candidate {
        case: one.case,
        wall_ms: one.wall_ms,
        slower_at_most_pct,
        is_fast,
        is_paid_for: true,
        more_rounds,
        tail_ms,
        is_on_front: false,
    }
}

/// Does the latency tail of `one` not fail the guard against the reference? Left open is not failed.
fn is_paid_for(one: &Sound<'_>, reference: &Sound<'_>) -> bool {
    if one.case == reference.case {
        return true;
    }
    let [before, after] = in_common_rounds(&reference.runs, &one.runs);
    let sides = Sides { before: &before, after: &after, is_paired: true };
    let tail = judge_tail(&Criteria::default(), one.case.codec, sides, &inspect::of_runs(&sides));
    tail.is_none_or(|tail| tail.pass != Some(false))
}

/// Enough for a one-sided bound: 2⁻⁵ < 5 %.
fn has_rounds(sound: &Sound<'_>) -> bool {
    sound.runs.len() >= 5
}

/// The highest percentile of latency that runs of so many frames bear.
pub fn tail_of(frames: u64) -> Metric {
    let tails = [Metric::LatencyP99Ms, Metric::LatencyP95Ms];
    tails.into_iter().find(|tail| tail.min_frames() <= frames).unwrap_or(Metric::LatencyP50Ms)
}

fn is_on_front(one: &Candidate, all: &[Candidate]) -> bool {
    let tail = |candidate: &Candidate| candidate.tail_ms.unwrap_or(f64::INFINITY);
    !all.iter().any(|other| other.wall_ms < one.wall_ms && tail(other) < tail(one))
}

/// What the chosen case has to stand up to: the fastest; if it is that itself, what it would replace; or the next.
fn rival(chosen: Case, fastest: Case, candidates: &[Candidate]) -> Option<Case> {
    if chosen != fastest {
        return Some(fastest);
    }
    let others = || candidates.iter().filter(|one| one.case != chosen);
    let next = others().min_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms)).map(|one| one.case);
    let cases: Vec<_> = candidates.iter().map(|one| one.case).collect();
    reference(&cases).filter(|&case| case != chosen).or(next)
}

fn fresh(runs: &[RunSummary], chosen: Case, rival: Case, margin: &Margin) -> Option<Fresh> {
    let of = |case: Case| runs.iter().filter(|run| run.case == case && run.counts() && run.fresh).collect::<Vec<_>>();
    let (before, after) = (of(rival), of(chosen));
    let sides = Sides { before: &before, after: &after, is_paired: true };
    let change = sides.change_at(Metric::WallMs, BOUND_LEVEL)?;
    let plain = change.is_at_most(margin.pct);
    let gates = [inspect::of_runs(&sides), inspect::of_metric(Metric::WallMs, &sides)].concat();
    let turns = |gate: &Gate| gate.turns(plain, |doubt_pct| change.widened(doubt_pct).is_at_most(margin.pct));
    let gate = gates.into_iter().find(turns);
    Some(Fresh { change, holds: plain.filter(|_| gate.is_none()), gate })
}

/// What the others are held against: the serial case, or else the smallest threshold of the first lock placement.
fn reference(cases: &[Case]) -> Option<Case> {
    let first_lock = cases.first()?.lock;
    let smallest = || cases.iter().filter(|case| case.lock == first_lock).min_by_key(|case| case.reap_threshold);
    cases.iter().find(|case| case.is_serial()).or_else(smallest).copied()
}

/// `cases`: all of the codec. Before may be one that failed: that is what a comparison should say.
fn pair(known: &Recommendation, cases: &[Case]) -> Option<DefaultPair> {
    let before = reference(cases)?;
    let others = known.candidates.iter().filter(|one| one.case != before);
    let after = match known.case {
        case if case == before => others.min_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms))?.case,
        case => case,
    };
    Some(DefaultPair { codec: known.codec, before, after })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::{Inline, Thread};
    use crate::stats::fixture::{case, summary};
    use crate::stats::margin::Floor;

    /// Nine rounds of each case around its wall time, ±0.2 %.
    fn sweep(cases: &[(Case, f64)]) -> Vec<RunSummary> {
        rounds(cases, 0..9)
    }

    fn rounds(cases: &[(Case, f64)], which: std::ops::Range<u32>) -> Vec<RunSummary> {
        let run = |round: u32, (case, wall_ms): (Case, f64)| {
            let noisy_ms = wall_ms * (1.0 + 0.002 * (f64::from((round * 7 + case.reap_threshold * 3) % 5) - 2.0));
            RunSummary { repeat_index: round, ..summary(case, round, noisy_ms) }
        };
        which.flat_map(|round| cases.iter().map(move |&one| run(round, one))).collect()
    }

    #[test]
    fn the_smallest_of_the_fast_ones_is_recommended() {
        let runs = sweep(&[
            (case(1, Inline), 200.0),
            (case(2, Inline), 102.0),
            (case(4, Inline), 100.2),
            (case(8, Inline), 100.0),
        ]);
        let found = recommend(&runs, None);
        assert_eq!((found[0].case, found[0].fastest), (case(4, Inline), case(8, Inline)));
        assert!(found[0].fresh.is_none(), "{found:?}");
        let bounds: Vec<_> = found[0].candidates.iter().map(|one| one.is_fast).collect();
        assert_eq!(bounds, [false, false, true, true]);
        assert!(found[0].reason.contains("of fewer in flight T=2 inline comes nearest, 2."), "{}", found[0].reason);
    }

    #[test]
    fn what_more_rounds_would_show_is_said() {
        // Slower by 0.5 %, and noise of ±2.8 % that nine rounds do not average out.
        let mut runs = sweep(&[(case(2, Inline), 100.5), (case(4, Inline), 100.0)]);
        for run in runs.iter_mut().filter(|run| run.case.reap_threshold == 2) {
            run.wall_ms *= 1.0 + 0.007 * (f64::from(run.repeat_index * 7 % 9) - 4.0);
        }
        let found = &recommend(&runs, None)[0];
        assert_eq!(found.case, case(4, Inline), "{}", found.reason);
        assert!(found.candidates[0].more_rounds.is_some(), "{found:?}");
        assert!(found.reason.contains("more rounds would tell whether it does as well"), "{}", found.reason);
    }

    #[test]
    fn what_noise_makes_the_fastest_is_not_recommended_where_its_latency_was_not_paid_for() {
        let mut runs = sweep(&[(case(1, Inline), 200.0), (case(4, Inline), 100.0), (case(8, Inline), 98.0)]);
        for run in &mut runs {
            let tail_ms = match run.case.reap_threshold {
                1 => 1.0,
                4 => 1.6,
                _ => 3.2,
            };
            (run.packets, run.latency_p95_ms) = (300, Some(tail_ms));
            run.fps = Some(300.0 / run.wall_ms * 1e3);
        }
        let found = &recommend(&runs, None)[0];
        assert_eq!((found.case, found.fastest), (case(4, Inline), case(4, Inline)), "{}", found.reason);
        assert_eq!(found.candidates.iter().map(|one| one.is_paid_for).collect::<Vec<_>>(), [true, true, false]);
        assert!(
            found.reason.contains("T=8 inline is faster by 2.0 %, which does not pay for its latency"),
            "{}",
            found.reason
        );
    }

    fn noise(case: Case, floor_pct: f64) -> NoiseFloor {
        NoiseFloor {
            fingerprint: String::new(),
            facts: Default::default(),
            session: "output/aa".to_owned(),
            floors: vec![Floor { case, metric: Metric::WallMs, num_pairs: 10, floor_pct }],
            watching: None,
        }
    }

    #[test]
    fn a_noisy_machine_has_a_wider_margin() {
        let noise = noise(case(2, Inline), 3.0);
        let runs = sweep(&[(case(2, Inline), 102.0), (case(4, Inline), 100.0)]);
        assert_eq!(recommend(&runs, None)[0].case, case(4, Inline));
        assert_eq!(recommend(&runs, Some(&noise))[0].case, case(2, Inline));
    }

    #[test]
    fn of_equal_thresholds_the_lower_tail_wins() {
        let mut runs = sweep(&[(case(4, Inline), 100.0), (case(4, Thread), 100.0)]);
        for run in &mut runs {
            run.latency_p50_ms = Some(if run.case.lock == Inline { 3.0 } else { 1.0 });
        }
        let found = &recommend(&runs, None)[0];
        assert_eq!(found.case, case(4, Thread));
        assert_eq!(found.candidates.iter().filter(|one| one.is_on_front).count(), 2, "equal walls hide nobody");
    }

    #[test]
    fn a_case_that_failed_is_not_recommended() {
        let mut runs = sweep(&[(case(1, Inline), 200.0), (case(4, Inline), 100.0)]);
        runs[1].error = Some("lost".to_owned());
        assert_eq!(recommend(&runs, None)[0].case, case(1, Inline));
        assert_eq!(recommend(&[], None), []);
    }

    #[test]
    fn no_machine_is_noisy_enough_for_a_tie_of_25_percent() {
        let noise = noise(case(1, Inline), 30.0);
        let runs = sweep(&[(case(1, Inline), 125.0), (case(4, Inline), 100.0)]);
        assert_eq!(recommend(&runs, Some(&noise))[0].case, case(4, Inline));
    }

    #[test]
    fn what_fresh_runs_refute_gives_way_to_the_next_in_line() {
        let cases = [(case(2, Inline), 100.4), (case(4, Inline), 100.2), (case(8, Inline), 100.0)];
        let mut runs = sweep(&cases);
        assert_eq!(
            (recommend(&runs, None)[0].case, recommend(&runs, None)[0].rival),
            (case(2, Inline), Some(case(8, Inline)))
        );
        let again = rounds(&[(case(2, Inline), 110.0), (case(8, Inline), 100.0)], 9..15);
        runs.extend(again.into_iter().map(|run| RunSummary { fresh: true, ..run }));
        let found = &recommend(&runs, None)[0];
        assert_eq!((found.chosen, found.case), (case(2, Inline), case(4, Inline)), "{}", found.reason);
        assert!(!found.is_confirmed(), "nobody has held T=4 against anything");
    }

    fn holds(found: &Recommendation) -> Option<bool> {
        found.fresh.as_ref().and_then(|fresh| fresh.holds)
    }

    #[test]
    fn fresh_runs_decide_whether_it_holds() {
        let cases = [(case(1, Inline), 200.0), (case(4, Inline), 100.0)];
        let mut runs = sweep(&cases);
        let add = |runs: &mut Vec<RunSummary>, wall_ms| {
            let again = rounds(&[(case(1, Inline), 200.0), (case(4, Inline), wall_ms)], 9..15);
            runs.extend(again.into_iter().map(|run| RunSummary { fresh: true, ..run }));
        };
        add(&mut runs, 101.0);
        let found = &recommend(&runs, None)[0];
        assert_eq!((found.rival, holds(found)), (Some(case(1, Inline)), Some(true)));
        assert!(found.reason.contains("6 fresh rounds confirm it: −49"), "{}", found.reason);
        assert!(found.is_confirmed() && found.case == case(4, Inline));
        runs.truncate(18);
        assert!(!recommend(&runs, None)[0].is_confirmed());
        add(&mut runs, 230.0);
        let found = &recommend(&runs, None)[0];
        assert_eq!((holds(found), found.chosen, found.case), (Some(false), case(4, Inline), case(1, Inline)));
        assert!(found.reason.ends_with("against T=1 inline; T=1 inline is next in line"), "{}", found.reason);
        // Pictures that this machine made too late can make a case slow, so its slowness proves nothing.
        for run in runs.iter_mut().filter(|run| run.fresh && run.case == case(4, Inline)) {
            (run.packets, run.model_late) = (300, Some(30));
        }
        let found = &recommend(&runs, None)[0];
        assert_eq!((holds(found), found.case), (None, case(4, Inline)));
        assert!(
            found.reason.contains("leave it open") && found.reason.contains("a quieter machine"),
            "{}",
            found.reason
        );
    }

    #[test]
    fn serial_is_held_against_the_recommended_one() {
        let runs = sweep(&[(case(4, Inline), 100.0), (case(1, Inline), 200.0), (case(2, Thread), 130.0)]);
        let pairs = default_pair(&runs, None);
        assert_eq!((pairs[0].before, pairs[0].after), (case(1, Inline), case(4, Inline)));
    }

    #[test]
    fn without_a_gain_the_fastest_other_is_after() {
        let runs = sweep(&[(case(1, Inline), 100.0), (case(2, Inline), 101.0), (case(4, Inline), 100.5)]);
        let pairs = default_pair(&runs, None);
        assert_eq!((pairs[0].before, pairs[0].after), (case(1, Inline), case(4, Inline)));
    }

    #[test]
    fn without_a_serial_case_the_smallest_threshold_is_before() {
        let runs = sweep(&[(case(8, Thread), 90.0), (case(2, Thread), 100.0), (case(1, Thread), 150.0)]);
        let pairs = default_pair(&runs, None);
        assert_eq!((pairs[0].before, pairs[0].after), (case(1, Thread), case(8, Thread)));
        assert_eq!(default_pair(&sweep(&[(case(8, Thread), 90.0)]), None), []);
    }
}
