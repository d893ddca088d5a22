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
    // From a terminal the window ends at once, but no clock stays locked.
    let at_once = || {
        crate::device::unlock_all_clocks();
        std::process::exit(Exit::Interrupted.code().into());
    };
    ctrlc::set_handler(at_once).map_err(|error| Failure::failed(format!("cannot watch for Ctrl-C: {error}")))?;
    let plan = args.plan.as_deref().map(load_plan).transpose()?;
    match ui::run(Start { folder: args.folder.unwrap_or_else(|| "output".into()), sessions: args.sessions, plan, then })
    {
        Ok(()) => Ok(Exit::Done),
        Err(no_window) => Err(Failure { code: Exit::Unavailable, message: no_window.to_string() }),
    }
}
