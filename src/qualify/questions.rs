//! The questions of `doctor --conformance` to the device's driver, in processes of their own: calls that only answer a status, many of
//! which the virtual driver answers by its own choice.

use super::QualifyError;
use crate::card::{Question, Questions};
use crate::conformance::{Conformance, Outcome, Row, examine};
use crate::device::DeviceSpec;

pub(super) fn ask(spec: &DeviceSpec) -> Result<Questions, QualifyError> {
    let library = match spec {
        DeviceSpec::Virtual(_) | DeviceSpec::VirtualOnCuda(..) => {
            return Err(QualifyError::CannotTell(
                "not asked: the built-in virtual driver is what others are compared with",
            ));
        }
        DeviceSpec::Cuda(_) => None,
        DeviceSpec::Library(path) => Some(path.as_path()),
    };
    Ok(questions(&examine(library)?))
}

fn questions(found: &Conformance) -> Questions {
    let count = |num: usize| u32::try_from(num).unwrap_or(u32::MAX);
    Questions {
        num_equal: count(found.num_equal),
        num_differ: count(found.num_differ),
        num_not_asked: count(found.num_need_gpu + found.num_need_engine),
        headers: found.headers.map(str::to_owned).to_vec(),
        rows: found.rows.iter().map(question).collect(),
    }
}

fn question(row: &Row) -> Question {
    let texts = |answers: &[crate::conformance::Answer]| answers.iter().map(ToString::to_string).collect();
    let is_compared = row.outcome == Outcome::Differs;
    Question {
        question: row.question.to_owned(),
        driver: texts(&row.driver),
        virtual_driver: if is_compared { texts(&row.virtual_driver) } else { Vec::new() },
    }
}
