//! Which plans can be run, and what the others say.

use super::*;

fn plan() -> Plan {
    Plan { reap_thresholds: vec![1, 4], warmup: 1, repeat: 3, looks: Vec::new(), ..Plan::default() }
}

#[test]
fn every_round_visits_every_case_in_an_order_drawn_by_lot() {
    let order = |order_seed| {
        let plan = Plan { order_seed, warmup: 0, repeat: 200, ..plan() };
        plan.runs().chunks(4).map(|round| round.iter().map(|run| run.case).collect()).collect::<Vec<Vec<_>>>()
    };
    let drawn = order(Some(7));
    let cases = plan().cases();
    for round in &drawn {
        assert!(cases.iter().all(|case| round.contains(case)), "{round:?}");
    }
    let firsts = cases.iter().map(|case| drawn.iter().filter(|round| round[0] == *case).count());
    assert!(
        firsts.clone().all(|num| (30..70).contains(&num)),
        "50 each, more or less: {:?}",
        firsts.collect::<Vec<_>>()
    );
    assert_eq!(drawn, order(Some(7)));
    assert_ne!(drawn, order(Some(8)));
}

#[test]
fn two_cases_are_drawn_too() {
    let cases = &plan().cases()[..2];
    let firsts: Vec<_> = (0..400).map(|round| in_round(cases, Some(1), (false, round))[0] == cases[0]).collect();
    let is_like =
        |lag: usize| firsts.iter().zip(&firsts[lag..]).filter(|(a, b)| a == b).count() as f64 / (400 - lag) as f64;
    assert!(
        (1..=8).all(|lag| (0.4..0.6).contains(&is_like(lag))),
        "no period: {:?}",
        (1..=8).map(is_like).collect::<Vec<_>>()
    );
}

#[test]
fn order_index_counts_all_runs() {
    let runs = plan().runs();
    assert_eq!(runs.len() as u64, plan().num_runs());
    assert!(runs.iter().enumerate().all(|(idx, run)| run.order_index as usize == idx));
}

#[test]
fn what_cannot_run_is_refused() {
    let check = |change: fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        plan.check()
    };
    assert_eq!(check(|_| ()), Ok(()));
    assert_eq!(check(|plan| plan.frames = 0), Err(PlanError::NoFrames));
    assert_eq!(check(|plan| plan.repeat = 0), Err(PlanError::NoRuns));
    assert_eq!(check(|plan| plan.reap_thresholds = vec![0]), Err(PlanError::Threshold(0)));
    assert_eq!(check(|plan| plan.reap_thresholds = vec![65]), Err(PlanError::Threshold(65)));
    assert_eq!(check(|plan| plan.pools = vec![3]), Err(PlanError::PoolTooSmall { pool: 3, threshold: 4 }));
    assert_eq!(check(|plan| plan.codecs.clear()), Err(PlanError::Nothing { what: "codec" }));
    assert!(matches!(check(|plan| plan.reap_thresholds = vec![4, 4]), Err(PlanError::Twice { .. })));
    assert!(matches!(check(|plan| plan.pace_fps = Some(f64::NAN)), Err(PlanError::Pace(_))));
    assert_eq!(check(|plan| plan.confirm = 4), Err(PlanError::ConfirmTooFew(4)));
    assert!(matches!(check(|plan| plan.looks = vec![3]), Err(PlanError::Looks(..))));
    assert!(matches!(check(|plan| plan.looks = vec![20, 10]), Err(PlanError::Looks(..))));
    assert_eq!(check(|plan| plan.goal = Goal::Live { budget_ms: None }), Err(PlanError::LiveWithoutPace));
    let until = |plan: &mut Plan| plan.until = Some(Until { half_width_pct: 1.0, max_repeat: 60 });
    let mut alone = Plan { reap_thresholds: vec![4], locks: vec![LockPlacement::Inline], ..plan() };
    until(&mut alone);
    assert_eq!((check(until), alone.check()), (Ok(()), Err(PlanError::NothingToNarrow)));
    assert!(matches!(check(|plan| plan.rate_control = RateControl::Cqp { qp: 52 }), Err(PlanError::Qp { .. })));
}

#[test]
fn b_frames_enlarge_the_pool() {
    let plan = Plan { b_frames: 2, reap_thresholds: vec![4], ..Plan::default() };
    assert_eq!(plan.cases()[0].pool, 6);
}

#[test]
fn no_frame_of_h264_is_split() {
    let plan = Plan { codecs: vec![Codec::Hevc, Codec::H264], split_encode: SplitEncoding::Auto, ..Plan::default() };
    assert_eq!(plan.check(), Err(PlanError::SplitOfH264));
    assert_eq!(Plan { codecs: vec![Codec::Hevc], ..plan }.check(), Ok(()));
}

#[test]
fn a_plan_of_more_runs_than_can_be_counted_is_one_of_too_many() {
    let most = u32::MAX;
    for plan in [
        Plan { warmup: most, repeat: most, blocks: most, looks: Vec::new(), ..Plan::default() },
        Plan { confirm: most, ..Plan::default() },
    ] {
        assert!(matches!(plan.check(), Err(PlanError::TooManyRuns(_) | PlanError::Blocks(_))), "{:?}", plan.check());
    }
}
