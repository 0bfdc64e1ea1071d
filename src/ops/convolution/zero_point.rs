//! Sums of weights over the taps that an output meets, by output channel: what a zero point of the input is multiplied with.
//!
//! There is a row of sums for each cuboid of outputs that meet the same taps. They are a nest of their own, with ones for the
//! input: a row is one output of the cuboid.

use super::dense::{Dense, INPUT, OUTPUT, Panel};
use super::staging::{Operand, Staging};
use crate::dtype::DataType;
use crate::error::Result;
use crate::memory::MemoryDesc;
use crate::ops::Planned;
use crate::ops::epilogue::Epilogue;
use crate::ops::sequence::Sequence;
use crate::plan::conv::{Calls, Cut, Shape};
use std::sync::Arc;

impl Dense {
    /// The nest that leaves the sums in this entry.
    pub fn tap_sums(&self, sequence: &mut Sequence, entry: usize) -> Result<Planned> {
        let longest = self.cut.shapes.iter().map(|s| s.k).max().unwrap_or(1);
        let channels = self.staging.operands[OUTPUT].md.dims[1];
        let rows = self.cut.cuboids.len() as i64;
        let ones = MemoryDesc::plain(&[1, longest], DataType::U8)?;
        let sums = MemoryDesc::plain(&[rows, channels], DataType::S32)?;
        let mut operands = self.staging.operands.clone();
        operands[INPUT] = Operand::new(sequence.ones(longest as usize), &ones, None);
        operands[OUTPUT] = Operand::new(entry, &sums, None);
        let panel = |p: &Panel| Panel {
            a: 0,
            d: 4 * p.channel,
            ..*p
        };
        // One output for every cuboid, of the first inputs.
        let row = |cuboid: usize| {
            let calls = self.cut.calls.iter().find(|c| c.cuboid == cuboid)?;
            let (from, counts) = ([0; 4], [1; 4]);
            Some(Calls {
                from,
                counts,
                ..*calls
            })
        };
        let calls: Vec<Calls> = (0..rows as usize).filter_map(row).collect();
        let shape = |s: &Shape| Shape {
            m: 1,
            a_row: 0,
            d_row: 0,
            single: false,
            ..*s
        };
        let mut cuboids = self.cut.cuboids.clone();
        for (row, cuboid) in cuboids.iter_mut().enumerate() {
            cuboid.table.a.fill(0);
            cuboid.origin = 4 * channels * row as i64;
        }
        let cut = Cut {
            shapes: self.cut.shapes.iter().map(shape).collect(),
            cuboids,
            ends: vec![calls.len()],
            calls,
        };
        let sums = Dense {
            mix: None,
            fresh: false,
            far: false,
            panels: self.panels.iter().map(panel).collect(),
            epilogues: vec![Epilogue::acc(true); cut.shapes.len()],
            split: (1, 1),
            sums: None,
            staging: Staging::new(&self.env, operands, 1, &[])?,
            cut,
            ..*self
        };
        Ok(Planned::new(format!("sums{rows}"), 0, Arc::new(sums)))
    }
}
