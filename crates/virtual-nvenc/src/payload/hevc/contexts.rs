//! The context variables of the few syntax elements in use (H.265 9.3.2.2). It does not know how bins are coded.

use super::probability::Context;
use crate::payload::PictureKind;

/// One context per syntax element: each is used in one place of a coding tree unit only.
#[derive(Debug)]
pub(super) struct Contexts {
    pub(super) cu_skip_flag: Context,
    pub(super) pred_mode_flag: Context,
    pub(super) part_mode: Context,
    pub(super) prev_intra_luma_pred_flag: Context,
    pub(super) intra_chroma_pred_mode: Context,
    pub(super) cbf_luma: Context,
    pub(super) cbf_chroma: Context,
    pub(super) luma: Component,
    pub(super) chroma: Component,
}

/// The contexts of a block's levels.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) last_sig_coeff_x_prefix: Context,
    pub(super) last_sig_coeff_y_prefix: Context,
    pub(super) greater1_flag: Context,
    pub(super) greater2_flag: Context,
}

impl Contexts {
    /// At the start of a slice.
    ///
    /// The numbers are initValue for initType 0 (I), 1 (P) and 2 (B), from the tables of 9.3.2.2 at these ctxInc (9.3.4.2):
    /// cu_skip_flag, pred_mode_flag, part_mode, intra modes and cbf_cb/cbf_cr 0; cbf_luma 1; the last position 10 in luma
    /// of 32x32 and 15 in chroma; greater1 1 and 17; greater2 0 and 4.
    pub(super) fn new(kind: PictureKind, slice_qp: i32) -> Self {
        let init_type = match kind {
            PictureKind::Idr | PictureKind::I => 0,
            PictureKind::P => 1,
            PictureKind::B => 2,
        };
        let context = |init_values: [u8; 3]| Context::new(init_values[init_type], slice_qp);
        Self {
            cu_skip_flag: context([154, 197, 197]), // not in I slices
            pred_mode_flag: context([154, 149, 134]),
            part_mode: context([184, 154, 154]),
            prev_intra_luma_pred_flag: context([184, 154, 183]),
            intra_chroma_pred_mode: context([63, 152, 152]),
            cbf_luma: context([141, 111, 111]),
            cbf_chroma: context([94, 149, 149]),
            luma: Component {
                last_sig_coeff_x_prefix: context([111, 110, 125]),
                last_sig_coeff_y_prefix: context([111, 110, 125]),
                greater1_flag: context([92, 196, 196]),
                greater2_flag: context([138, 107, 107]),
            },
            chroma: Component {
                last_sig_coeff_x_prefix: context([108, 108, 108]),
                last_sig_coeff_y_prefix: context([108, 108, 108]),
                greater1_flag: context([179, 194, 208]),
                greater2_flag: context([152, 107, 107]),
            },
        }
    }
}
