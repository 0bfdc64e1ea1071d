//! Vector and opmask instructions: operands are fetched whole, computed lane by lane and written back under the mask.

use crate::memory::Memory;
use crate::state::{Flags, State, Vector};
use crate::step::{Operand, Step};
use crate::table::Op;

type Outcome<T = ()> = Result<T, String>;

/// Carries out a vector instruction.
pub fn execute(state: &mut State, memory: &Memory, step: &Step) -> Outcome {
    let imm = step.imm as u8;
    let mut cpu = Cpu {
        state,
        memory,
        step,
    };
    match step.op {
        Op::Lanes32(f) => {
            let (d, a, b) = cpu.sources(4)?;
            let mut out = [0; 64];
            for i in (0..step.len).step_by(4) {
                let value = f(get32(&d, i), get32(&a, i), get32(&b, i), imm);
                out[i..i + 4].copy_from_slice(&value.to_le_bytes());
            }
            cpu.write(&out, step.len, 4)
        }
        Op::Lanes16(f) => {
            let (d, a, b) = cpu.sources(2)?;
            let mut out = [0; 64];
            for i in (0..step.len).step_by(2) {
                let get = |v: &Vector| u16::from_le_bytes([v[i], v[i + 1]]);
                out[i..i + 2].copy_from_slice(&f(get(&d), get(&a), get(&b), imm).to_le_bytes());
            }
            cpu.write(&out, step.len, 2)
        }
        Op::Convert(from, to, f) => cpu.convert(from, to, f),
        Op::Move(size) => {
            let source = cpu.source(size, step.len)?;
            cpu.write(&source, step.len, size)
        }
        Op::MoveAligned(size) => {
            cpu.check_alignment()?;
            let source = cpu.source(size, step.len)?;
            cpu.write(&source, step.len, size)
        }
        Op::MoveLow => cpu.move_low(),
        Op::Broadcast(size) => cpu.broadcast(size),
        Op::Shuffle(size, f) => {
            let b = cpu.whole(step.last())?;
            let a = cpu.first(&b);
            cpu.write(&f(&a, &b, step.len, imm), step.len, size)
        }
        Op::Compare(f) => cpu.compare(f),
        Op::BlendMask => cpu.blend_mask(),
        Op::BlendSign => cpu.blend_sign(),
        Op::MaskMove => cpu.mask_move(),
        Op::Insert(size) => cpu.insert(size, imm as usize),
        Op::Extract(size) => cpu.extract(size, imm as usize),
        Op::MoveMask(bits) => cpu.move_mask(bits),
        Op::TestBits => cpu.test_bits(),
        Op::ZeroUpper => {
            let vectors = cpu.state.vectors[..16].iter_mut();
            vectors.for_each(|v| v[16..].fill(0));
            Ok(())
        }
        Op::Scalar(_) => unreachable!("scalar instructions are not vector instructions"),
    }
}

fn get32(v: &Vector, at: usize) -> u32 {
    u32::from_le_bytes([v[at], v[at + 1], v[at + 2], v[at + 3]])
}

struct Cpu<'a> {
    state: &'a mut State,
    memory: &'a Memory,
    step: &'a Step,
}

impl Cpu<'_> {
    /// The opmask as bits of elements, all ones without one.
    fn mask(&self) -> u64 {
        match self.step.mask {
            0 => u64::MAX,
            k => self.state.masks[k],
        }
    }

    fn address(&self) -> u64 {
        self.step.address.value(self.state)
    }

    /// The old destination, the first and the second source, elements of `size` bytes.
    fn sources(&self, size: usize) -> Outcome<(Vector, Vector, Vector)> {
        let b = self.source(size, self.step.len)?;
        let d = self.register(self.step.operands[0]);
        Ok((d, self.first(&b), b))
    }

    fn register(&self, operand: Operand) -> Vector {
        match operand {
            Operand::Vector(r) => self.state.vectors[r],
            _ => [0; 64],
        }
    }

    /// The first of two sources; an instruction with one has none, and ignores what it gets.
    fn first(&self, second: &Vector) -> Vector {
        match self.step.operands[1] {
            Operand::Vector(r) if self.step.count > 2 => self.state.vectors[r],
            _ => *second,
        }
    }

    /// The last operand, of which `len` bytes are used: from memory, only elements that the mask selects are touched.
    fn source(&self, size: usize, len: usize) -> Outcome<Vector> {
        match self.step.last() {
            Operand::Mem if self.step.broadcasts() => self.broadcast_source(len),
            Operand::Mem => self.read_elements(size, len, self.mask()),
            other => self.whole(other),
        }
    }

    /// An operand without regard to the mask.
    fn whole(&self, operand: Operand) -> Outcome<Vector> {
        let mut out = [0; 64];
        match operand {
            Operand::Vector(r) => return Ok(self.state.vectors[r]),
            Operand::Gpr(r, _) => out[..8].copy_from_slice(&self.state.gpr[r].to_le_bytes()),
            Operand::Mem if self.step.broadcasts() => return self.broadcast_source(self.step.len),
            Operand::Mem => self
                .memory
                .read(self.address(), &mut out[..self.step.memory_bytes])?,
            other => return Err(format!("has {other:?} for a source")),
        }
        Ok(out)
    }

    fn test_bits(&mut self) -> Outcome {
        let len = self.step.len;
        let (x, y) = (self.register(self.step.operands[0]), self.source(1, len)?);
        let none =
            |f: fn(u8, u8) -> u8| x[..len].iter().zip(&y[..len]).all(|(x, y)| f(*x, *y) == 0);
        self.state.flags = Some(Flags {
            zero: none(|x, y| x & y),
            carry: none(|x, y| !x & y),
            sign: false,
            overflow: false,
        });
        Ok(())
    }

    fn broadcast_source(&self, len: usize) -> Outcome<Vector> {
        let mut out = [0; 64];
        let size = self.step.memory_bytes;
        let elements = len / size;
        if self.mask() & (u64::MAX >> (64 - elements)) == 0 {
            return Ok(out);
        }
        let mut element = [0; 8];
        self.memory.read(self.address(), &mut element[..size])?;
        let places = out[..len].chunks_exact_mut(size);
        places.for_each(|place| place.copy_from_slice(&element[..size]));
        Ok(out)
    }

    fn read_elements(&self, size: usize, len: usize, mask: u64) -> Outcome<Vector> {
        let (at, mut out) = (self.address(), [0; 64]);
        if self.step.mask == 0 && mask == u64::MAX {
            self.memory.read(at, &mut out[..len])?;
            return Ok(out);
        }
        for (i, place) in out[..len].chunks_exact_mut(size).enumerate() {
            if mask >> i & 1 == 1 {
                self.memory.read(at + (i * size) as u64, place)?;
            }
        }
        Ok(out)
    }

    /// Stores `len` bytes, elements of `size`, under the mask; a register is cleared beyond them.
    fn write(&mut self, value: &Vector, len: usize, size: usize) -> Outcome {
        match self.step.operands[0] {
            Operand::Vector(r) => {
                self.write_register(r, value, len, size);
                Ok(())
            }
            Operand::Mem => self.write_elements(value, len, size, self.mask()),
            other => Err(format!("has {other:?} for a destination")),
        }
    }

    fn write_register(&mut self, r: usize, value: &Vector, len: usize, size: usize) {
        let (mask, zeroing) = (self.mask(), self.step.zeroing);
        let register = &mut self.state.vectors[r];
        if mask == u64::MAX {
            register[..len].copy_from_slice(&value[..len]);
        } else {
            let places = register[..len].chunks_exact_mut(size);
            for (i, (place, new)) in places.zip(value.chunks_exact(size)).enumerate() {
                if mask >> i & 1 == 1 {
                    place.copy_from_slice(new);
                } else if zeroing {
                    place.fill(0);
                }
            }
        }
        register[len..].fill(0);
    }

    fn write_elements(&self, value: &Vector, len: usize, size: usize, mask: u64) -> Outcome {
        let at = self.address();
        if mask == u64::MAX {
            return self.memory.write(at, &value[..len]);
        }
        for (i, element) in value[..len].chunks_exact(size).enumerate() {
            if mask >> i & 1 == 1 {
                self.memory.write(at + (i * size) as u64, element)?;
            }
        }
        Ok(())
    }

    fn check_alignment(&self) -> Outcome {
        let in_memory = self.step.operands.contains(&Operand::Mem);
        if in_memory && !self.address().is_multiple_of(self.step.len as u64) {
            return Err(format!(
                "needs alignment, but accesses {:#x}",
                self.address()
            ));
        }
        Ok(())
    }

    /// The longest register says how many elements there are.
    fn convert(&mut self, from: usize, to: usize, f: fn(u64) -> u64) -> Outcome {
        let count = self.step.len / from.max(to);
        let source = self.source(from, count * from)?;
        let mut out = [0; 64];
        for i in 0..count {
            let mut element = [0; 8];
            element[..from].copy_from_slice(&source[i * from..][..from]);
            let new = f(u64::from_le_bytes(element)).to_le_bytes();
            out[i * to..][..to].copy_from_slice(&new[..to]);
        }
        self.write(&out, count * to, to)
    }

    fn move_low(&mut self) -> Outcome {
        let step = self.step;
        let size = |operand: Operand| match operand {
            Operand::Mem => Some(step.memory_bytes),
            Operand::Gpr(_, bytes) => Some(bytes),
            _ => None,
        };
        let [to, from] = [step.operands[0], step.last()];
        let bytes = size(to)
            .or(size(from))
            .ok_or("moves between vector registers")?;
        let source = self.whole(from)?;
        match to {
            Operand::Gpr(r, _) => {
                let mut low = [0; 8];
                low[..bytes].copy_from_slice(&source[..bytes]);
                self.state.gpr[r] = u64::from_le_bytes(low);
                Ok(())
            }
            _ => self.write(&source, bytes, bytes),
        }
    }

    fn broadcast(&mut self, size: usize) -> Outcome {
        let mut source = [0; 64];
        match self.step.last() {
            Operand::Mem if self.mask() & (u64::MAX >> (64 - self.step.len / size)) == 0 => {}
            Operand::Mem => self.memory.read(self.address(), &mut source[..size])?,
            other => source = self.whole(other)?,
        }
        let mut out = [0; 64];
        let places = out[..self.step.len].chunks_exact_mut(size);
        places.for_each(|place| place.copy_from_slice(&source[..size]));
        self.write(&out, self.step.len, size)
    }

    /// Into an opmask, whose bits beyond the lanes and outside the write mask become zero, or into lanes of ones.
    fn compare(&mut self, f: fn(u32, u32, u8) -> bool) -> Outcome {
        let (_, a, b) = self.sources(4)?;
        let imm = self.step.imm as u8;
        let lanes = (0..self.step.len).step_by(4);
        let holds = |at: usize| f(get32(&a, at), get32(&b, at), imm);
        match self.step.operands[0] {
            Operand::Mask(k) => {
                let bits = lanes.map(|at| u64::from(holds(at)) << (at / 4));
                self.state.masks[k] = bits.sum::<u64>() & self.mask();
                Ok(())
            }
            _ => {
                let mut out = [0; 64];
                lanes
                    .filter(|at| holds(*at))
                    .for_each(|at| out[at..at + 4].fill(0xFF));
                self.write(&out, self.step.len, 4)
            }
        }
    }

    fn blend_mask(&mut self) -> Outcome {
        let (_, a, mut out) = self.sources(4)?;
        let mask = self.mask();
        for (i, place) in out.chunks_exact_mut(4).enumerate() {
            if mask >> i & 1 == 0 {
                let kept: [u8; 4] = match self.step.zeroing {
                    true => [0; 4],
                    false => get32(&a, 4 * i).to_le_bytes(),
                };
                place.copy_from_slice(&kept);
            }
        }
        // The mask has done its work: every lane of the destination is written.
        let Operand::Vector(r) = self.step.operands[0] else {
            return Err("blends into something else than a vector".into());
        };
        out[self.step.len..].fill(0);
        self.state.vectors[r] = out;
        Ok(())
    }

    fn blend_sign(&mut self) -> Outcome {
        let [_, a, b, sign] = self.step.operands;
        let (mut out, b, sign) = (self.whole(a)?, self.whole(b)?, self.whole(sign)?);
        for i in (0..self.step.len).step_by(4) {
            if sign[i + 3] & 0x80 != 0 {
                out[i..i + 4].copy_from_slice(&b[i..i + 4]);
            }
        }
        self.write(&out, self.step.len, 4)
    }

    fn mask_move(&mut self) -> Outcome {
        let signs = self.register(self.step.operands[1]);
        let selected = (0..self.step.len / 4).filter(|i| signs[4 * i + 3] & 0x80 != 0);
        let mask = selected.fold(0, |mask, i| mask | 1 << i);
        match self.step.operands[0] {
            Operand::Mem => {
                let value = self.register(self.step.last());
                self.write_elements(&value, self.step.len, 4, mask)
            }
            _ => {
                let value = self.read_elements(4, self.step.len, mask)?;
                self.write(&value, self.step.len, 4)
            }
        }
    }

    fn insert(&mut self, size: usize, at: usize) -> Outcome {
        let mut out = self.register(self.step.operands[1]);
        let element = self.whole(self.step.last())?;
        let at = at % (self.step.len / size) * size;
        out[at..at + size].copy_from_slice(&element[..size]);
        self.write(&out, self.step.len, 4)
    }

    fn extract(&mut self, size: usize, at: usize) -> Outcome {
        let source = self.register(self.step.last());
        let from = at % (self.step.len / size) * size;
        let mut out = [0; 64];
        out[..size].copy_from_slice(&source[from..from + size]);
        match self.step.operands[0] {
            Operand::Gpr(r, _) => {
                self.state.gpr[r] = u64::from_le_bytes(out[..8].try_into().expect("eight bytes"));
                Ok(())
            }
            _ => self.write(&out, size, size.min(4)),
        }
    }

    fn move_mask(&mut self, bits: u32) -> Outcome {
        let kept = u64::MAX >> (64 - bits);
        let value = match self.step.last() {
            Operand::Mask(k) => self.state.masks[k],
            other => {
                let bytes = self.whole(other)?;
                u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))
            }
        } & kept;
        match self.step.operands[0] {
            Operand::Mask(k) => self.state.masks[k] = value,
            Operand::Gpr(r, _) => self.state.gpr[r] = value,
            Operand::Mem => {
                let bytes = value.to_le_bytes();
                self.memory
                    .write(self.address(), &bytes[..bits as usize / 8])?;
            }
            other => return Err(format!("has {other:?} for a destination")),
        }
        Ok(())
    }
}
