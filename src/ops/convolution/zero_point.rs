//! Sums of weights over the taps that an output meets, by output channel: what a zero point of the input is multiplied with.
//!
//! Outputs that meet the same taps share a table of the cut, so there is one row of sums for each. A row is a product of
//! ones with the weights, through the same table.
#![allow(unsafe_code)]

use super::dense::{Dense, Panel, pair};
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::Kernel;
use crate::kernel::spec::{Args, Batch, Brgemm, Out, Spec};
use crate::ops::{Exec, Plan, Planned, Run};
use crate::plan::conv::Cut;
use std::sync::Arc;

/// Planned sums.
#[derive(Clone)]
pub(super) struct TapSums {
    /// Where the weights, a row of ones and the sums are found.
    entries: [usize; 3],
    /// The kernel for whole panels; its k is set by table.
    spec: Brgemm,
    /// Reduction of an entry, and offsets in the weights, by table.
    tables: Vec<(usize, Vec<i64>)>,
    panels: Vec<Panel>,
    widths: [i64; 2],
    offset: i64,
    channels: i64,
}

impl TapSums {
    /// The longest reduction of an entry.
    pub fn longest(cut: &Cut) -> usize {
        cut.shapes.iter().map(|s| s.k).max().unwrap_or(0) as usize
    }

    /// The ones and the sums are given as entries.
    pub fn new(dense: &Dense, channels: i64, [ones, sums]: [usize; 2]) -> TapSums {
        let weights = &dense.operands[1].md;
        let length = |table: usize| {
            let call = dense.cut.calls.iter().find(|c| c.table == table);
            call.map_or(1, |c| dense.cut.shapes[c.shape].k.max(1) as usize)
        };
        let tables = dense.cut.tables.iter().enumerate();
        let types = [DataType::U8, weights.dtype()];
        let out = Out::acc(true, DataType::S32, 0);
        TapSums {
            entries: [dense.operands[1].arg, ones, sums],
            spec: Brgemm {
                b_group_bytes: dense.b_group_bytes,
                batch: Batch::Offset,
                ..Brgemm::new(dense.env.isa, [1; 3], types, out)
            },
            tables: tables.map(|(i, t)| (length(i), t.b.clone())).collect(),
            panels: dense.panels.clone(),
            widths: dense.widths,
            offset: weights.offset0 * weights.dtype().size_bytes() as i64,
            channels,
        }
    }

    pub fn planned(self) -> Planned {
        Planned::new(format!("sums{}", self.tables.len()), 0, self)
    }
}

struct Compiled {
    plan: TapSums,
    /// For whole panels and for the last, by table.
    kernels: Vec<[Arc<Kernel>; 2]>,
    /// As long as the longest list.
    zeros: Vec<i64>,
}

impl Plan for TapSums {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let kernels = self.tables.iter().map(|&(k, _)| {
            pair(self.widths, |n| {
                let n = n as usize;
                Spec::Brgemm(Brgemm {
                    k,
                    n,
                    ..self.spec.clone()
                })
            })
        });
        let entries = self.tables.iter().map(|t| t.1.len()).max().unwrap_or(0);
        Ok(Box::new(Compiled {
            plan: self.clone(),
            kernels: kernels.collect::<Result<_>>()?,
            zeros: vec![0; entries],
        }))
    }
}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) -> Result<()> {
        let p = &self.plan;
        let [weights, ones, sums] = p.entries.map(|entry| exec.ptrs[entry]);
        for (i, ((_, offsets), kernels)) in p.tables.iter().zip(&self.kernels).enumerate() {
            for panel in &p.panels {
                let at = (i as i64 * p.channels + panel.channel) * 4;
                let args = Args {
                    a: ones,
                    b: weights.wrapping_offset((p.offset + panel.b) as isize),
                    a_offsets: self.zeros.as_ptr(),
                    b_offsets: offsets.as_ptr(),
                    d: sums.wrapping_offset(at as isize),
                    batch: offsets.len(),
                    ..Args::default()
                };
                // SAFETY: the weights hold the taps, the ones are as many as an entry is long, and the sums have a row
                // for each table.
                unsafe { kernels[usize::from(panel.tail)].call(&args) };
            }
        }
        Ok(())
    }
}
