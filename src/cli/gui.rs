//! `inflight gui`: the window, or one sentence why there is none.

use super::args::{GuiArgs, GuiThen};
use super::exit::{Exit, Failure};
use crate::session::load_plan;
use crate::ui::{self, Start, Then};

pub(super) fn gui(args: GuiArgs) -> Result<Exit, Failure> {
    let then = args.then.map(|then| match then {
        GuiThen::Run => Then::Run { is_quiet: false },
        GuiThen::RunQuiet => Then::Run { is_quiet: true },
        GuiThen::Close => Then::Close,
    });
    let plan = args.plan.as_deref().map(load_plan).transpose()?;
    match ui::run(Start { folder: args.folder.unwrap_or_else(|| "output".into()), sessions: args.sessions, plan, then })
    {
        Ok(()) => Ok(Exit::Done),
        Err(no_window) => Err(Failure { code: Exit::Unavailable, message: no_window.to_string() }),
    }
}
