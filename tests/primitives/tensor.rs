//! Tensors of the tests: element types, layouts as the library reports them, buffers between guards.
//!
//! Offsets are computed here from dims, strides and inner blocks, and never by the library.

use crate::api::{Dims, Handle, Owned, Refusal, api, check};
use crate::guard::{Guarded, Side};
use half::{bf16, f16};
use std::ffi::{CString, c_int};

/// The element types that the tests use, with their numbers in the API.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    F16 = 1,
    Bf16 = 2,
    F32 = 3,
    S32 = 4,
    S8 = 5,
    U8 = 6,
}

impl Type {
    /// The type of a name in the problem language.
    pub fn named(name: &str) -> Type {
        match name {
            "f16" => Type::F16,
            "bf16" => Type::Bf16,
            "f32" => Type::F32,
            "s32" => Type::S32,
            "s8" => Type::S8,
            "u8" => Type::U8,
            _ => panic!("{name:?} is no type"),
        }
    }

    fn numbered(number: c_int) -> Type {
        let all = [
            Type::F16,
            Type::Bf16,
            Type::F32,
            Type::S32,
            Type::S8,
            Type::U8,
        ];
        all.into_iter().find(|t| *t as c_int == number).unwrap()
    }

    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Type::F32 | Type::S32 => 4,
            Type::F16 | Type::Bf16 => 2,
            Type::S8 | Type::U8 => 1,
        }
    }

    /// Whether the type holds integers.
    pub fn is_int(self) -> bool {
        matches!(self, Type::S32 | Type::S8 | Type::U8)
    }

    /// The value that the type stores for `x`: rounded to nearest even, integers saturated.
    pub fn round(self, x: f64) -> f64 {
        let int = |low: f64, high: f64| x.clamp(low, high).round_ties_even();
        match self {
            Type::F32 => x as f32 as f64,
            Type::Bf16 => bf16::from_f32(x as f32).to_f64(),
            Type::F16 => f16::from_f32(x as f32).to_f64(),
            Type::S32 => int(i32::MIN.into(), i32::MAX.into()),
            Type::S8 => int(-128.0, 127.0),
            Type::U8 => int(0.0, 255.0),
        }
    }

    fn read(self, bytes: &[u8]) -> f64 {
        match self {
            Type::F32 => f32::from_ne_bytes(bytes.try_into().unwrap()).into(),
            Type::S32 => i32::from_ne_bytes(bytes.try_into().unwrap()).into(),
            Type::Bf16 => bf16::from_ne_bytes(bytes.try_into().unwrap()).to_f64(),
            Type::F16 => f16::from_ne_bytes(bytes.try_into().unwrap()).to_f64(),
            Type::S8 => (bytes[0] as i8).into(),
            Type::U8 => bytes[0].into(),
        }
    }

    fn write(self, bytes: &mut [u8], x: f64) {
        match self {
            Type::F32 => bytes.copy_from_slice(&(x as f32).to_ne_bytes()),
            Type::S32 => bytes.copy_from_slice(&(x as i32).to_ne_bytes()),
            Type::Bf16 => bytes.copy_from_slice(&bf16::from_f32(x as f32).to_ne_bytes()),
            Type::F16 => bytes.copy_from_slice(&f16::from_f32(x as f32).to_ne_bytes()),
            Type::S8 => bytes[0] = x as i8 as u8,
            Type::U8 => bytes[0] = x as u8,
        }
    }
}

/// Values in row-major order of their logical dims.
#[derive(Clone, Debug)]
pub struct Array {
    pub dims: Vec<i64>,
    pub data: Vec<f64>,
}

impl Array {
    /// Values by position.
    pub fn from_fn(dims: &[i64], mut f: impl FnMut(&[i64]) -> f64) -> Array {
        let mut data = Vec::new();
        for_each(dims, |index| data.push(f(index)));
        Array {
            dims: dims.to_vec(),
            data,
        }
    }

    /// The value at a position, dims of size 1 being repeated.
    pub fn at(&self, index: &[i64]) -> f64 {
        let linear = self.dims.iter().zip(index).fold(0, |linear, (dim, i)| {
            linear * dim + if *dim == 1 { 0 } else { *i }
        });
        self.data[linear as usize]
    }
}

/// Calls f for every position in row-major order.
pub fn for_each(dims: &[i64], mut f: impl FnMut(&[i64])) {
    if dims.contains(&0) {
        return;
    }
    let mut index = vec![0; dims.len()];
    loop {
        f(&index);
        let mut d = dims.len();
        loop {
            if d == 0 {
                return;
            }
            d -= 1;
            index[d] += 1;
            if index[d] < dims[d] {
                break;
            }
            index[d] = 0;
        }
    }
}

/// The number of a tag: its place in the list of canonical tags, which starts at 2.
fn tag_number(tag: &str) -> Option<c_int> {
    if tag == "any" {
        return Some(1);
    }
    let names = include_str!("../../src/memory/tags.txt");
    let place = names.lines().position(|line| line == tag)?;
    Some(place as c_int + 2)
}

fn padded(dims: &[i64]) -> Dims {
    let mut all = [0; 12];
    all[..dims.len()].copy_from_slice(dims);
    all
}

/// A descriptor of a tag, of explicit strides (`@64x1`), or plain if the tag is empty; of a box in a plain tensor that leaves
/// so many elements before and behind it (`#2x0`); or as a view (`+3`, see `Problem`).
pub fn describe(dims: &[i64], dtype: Type, tag: &str) -> Result<Owned, Refusal> {
    let (api, ndims, all) = (api(), dims.len() as c_int, padded(dims));
    let numbers =
        |text: &str| -> Vec<i64> { text.split('x').map(|s| s.parse().unwrap()).collect() };
    let view = match (tag.strip_prefix('#'), tag.rsplit_once('+')) {
        (Some(offsets), _) => Some((numbers(offsets), numbers(offsets), "")),
        (_, Some((tag, from))) => Some((numbers(from), vec![0], tag)),
        _ => None,
    };
    if let Some((before, behind, tag)) = view {
        let mut whole = dims.to_vec();
        for margins in [&before, &behind] {
            whole.iter_mut().zip(margins).for_each(|(n, m)| *n += m);
        }
        let whole = describe(&whole, dtype, tag)?;
        // SAFETY: the place is writable, the descriptor live, the arrays have 12 elements.
        return Owned::create(api.memory_desc_destroy, |place| unsafe {
            (api.memory_desc_create_submemory)(
                place,
                whole.raw,
                all.as_ptr(),
                padded(&before).as_ptr(),
            )
        });
    }
    Owned::create(api.memory_desc_destroy, |place| {
        // SAFETY: the place is writable, the arrays have 12 elements.
        unsafe {
            match tag.strip_prefix('@') {
                Some(strides) => {
                    let strides = numbers(strides);
                    (api.memory_desc_create_with_strides)(
                        place,
                        ndims,
                        all.as_ptr(),
                        dtype as c_int,
                        padded(&strides).as_ptr(),
                    )
                }
                None => {
                    let plain = &"abcdefghijkl"[..dims.len()];
                    let tag = if tag.is_empty() { plain } else { tag };
                    let (all, dtype) = (all.as_ptr(), dtype as c_int);
                    match tag_number(tag) {
                        Some(tag) => {
                            (api.memory_desc_create_with_tag)(place, ndims, all, dtype, tag)
                        }
                        None => {
                            let tag = CString::new(tag).unwrap();
                            let create = api.memory_desc_create_with_string_tag;
                            create(place, ndims, all, dtype, tag.as_ptr())
                        }
                    }
                }
            }
        }
    })
}

fn query<T: Copy + Default>(md: Handle, what: c_int) -> T {
    let mut value = T::default();
    // SAFETY: the value has the type that the query stores.
    check(unsafe { (api().memory_desc_query)(md, what, (&raw mut value).cast()) }).unwrap();
    value
}

fn query_dims(md: Handle, what: c_int, count: usize) -> Vec<i64> {
    let mut pointer: *const i64 = std::ptr::null();
    // SAFETY: these queries store a pointer to 12 numbers that live as long as the descriptor.
    unsafe {
        check((api().memory_desc_query)(
            md,
            what,
            (&raw mut pointer).cast(),
        ))
        .unwrap();
        std::slice::from_raw_parts(pointer, count).to_vec()
    }
}

/// Where elements are, read from a descriptor.
#[derive(Clone)]
pub struct Layout {
    pub dims: Vec<i64>,
    pub dtype: Type,
    padded: Vec<i64>,
    strides: Vec<i64>,
    offset: i64,
    blocks: Vec<(usize, i64)>,
    pub bytes: usize,
    clone: std::rc::Rc<Owned>,
}

impl Layout {
    /// Asks the library.
    pub fn of(md: Handle) -> Layout {
        let ndims = query::<i32>(md, 256) as usize;
        let nblocks = query::<i32>(md, 263) as usize;
        let sizes = query_dims(md, 264, nblocks);
        let dims_of = query_dims(md, 265, nblocks);
        let api = api();
        // SAFETY: the place is writable, the descriptor is live.
        let clone = Owned::create(api.memory_desc_destroy, |place| unsafe {
            (api.memory_desc_clone)(place, md)
        });
        let dims = query_dims(md, 257, ndims);
        let (dtype, offset) = (Type::numbered(query(md, 258)), query::<i64>(md, 259));
        let empty = dims.contains(&0);
        Layout {
            dims,
            dtype,
            padded: query_dims(md, 260, ndims),
            strides: query_dims(md, 14, ndims),
            offset,
            blocks: dims_of.into_iter().map(|d| d as usize).zip(sizes).collect(),
            bytes: match empty {
                true => 0,
                // What the query says begins at the first element.
                // SAFETY: the descriptor is live.
                false => offset as usize * dtype.size() + unsafe { (api.memory_desc_get_size)(md) },
            },
            clone: std::rc::Rc::new(clone.unwrap()),
        }
    }

    /// A descriptor of this layout.
    pub fn descriptor(&self) -> Handle {
        self.clone.raw
    }

    fn position(&self, index: &[i64]) -> usize {
        let mut outer = padded(index);
        let (mut inner, mut volume) = (0, 1);
        for (dim, size) in self.blocks.iter().rev() {
            inner += outer[*dim] % size * volume;
            outer[*dim] /= size;
            volume *= size;
        }
        let outer: i64 = outer.iter().zip(&self.strides).map(|(i, s)| i * s).sum();
        (self.offset + outer + inner) as usize * self.dtype.size()
    }

    fn places(&self) -> Vec<Place> {
        let (mut places, mut elements) = (Vec::new(), 0..);
        for_each(&self.padded, |index| {
            let inside = index.iter().zip(&self.dims).all(|(i, d)| i < d);
            places.push(Place {
                byte: self.position(index),
                element: inside.then(|| elements.next().unwrap()),
            });
        });
        places
    }
}

/// Where an element lies, and its row-major number, if it is not padding.
struct Place {
    byte: usize,
    element: Option<usize>,
}

/// A buffer of a layout that touches an inaccessible page at one end, with canaries at the other.
pub struct Tensor {
    pub layout: Layout,
    /// All elements with the padding, in row-major order.
    places: Vec<Place>,
    buffer: Guarded,
}

impl Tensor {
    /// Every byte 0xff: NaN in the float types. Most end where memory ends, some begin where it begins.
    pub fn poisoned(layout: Layout) -> Tensor {
        let elements = (layout.bytes / layout.dtype.size()) as u32;
        let side = match elements.wrapping_mul(2_654_435_761) >> 30 {
            0 => Side::Front,
            _ => Side::Back,
        };
        let mut buffer = Guarded::new(layout.bytes);
        buffer.place(&vec![0xff; layout.bytes], side);
        let places = layout.places();
        Tensor {
            layout,
            places,
            buffer,
        }
    }

    /// The array's values, and zeros where the layout is padded.
    pub fn holding(layout: Layout, values: &Array) -> Tensor {
        let mut tensor = Tensor::poisoned(layout);
        tensor.store(values);
        tensor
    }

    /// Poisons everything again, then stores values and zero padding if there are values.
    pub fn reset(&mut self, values: Option<&Array>) {
        self.data_mut().fill(0xff);
        if let Some(values) = values {
            self.store(values);
        }
    }

    fn store(&mut self, values: &Array) {
        let (dtype, bytes) = (self.layout.dtype, self.buffer.data_mut());
        for place in &self.places {
            let value = place.element.map_or(0.0, |i| values.data[i]);
            dtype.write(&mut bytes[place.byte..][..dtype.size()], value);
        }
    }

    /// The logical values.
    pub fn values(&self) -> Array {
        let (dtype, bytes) = (self.layout.dtype, self.buffer.data());
        let inside = self.places.iter().filter(|p| p.element.is_some());
        let read = |place: &Place| dtype.read(&bytes[place.byte..][..dtype.size()]);
        Array {
            dims: self.layout.dims.clone(),
            data: inside.map(read).collect(),
        }
    }

    /// The data, for the library.
    pub fn pointer(&mut self) -> Handle {
        self.data_mut().as_mut_ptr().cast()
    }

    /// The data, for comparison of runs.
    pub fn data(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// The data, to be replaced.
    pub fn data_mut(&mut self) -> &mut [u8] {
        self.buffer.data_mut()
    }

    /// Says what is wrong around the values: bytes written outside or in the gaps between, padding that is not zero.
    pub fn damage(&self) -> Option<String> {
        if self.buffer.is_damaged() {
            return Some("bytes outside the buffer were written".into());
        }
        let (dtype, size) = (self.layout.dtype, self.layout.dtype.size());
        let (mut found, mut gaps) = (None, self.buffer.data().to_vec());
        for (i, place) in self.places.iter().enumerate() {
            let element = &mut gaps[place.byte..][..size];
            if place.element.is_none() && found.is_none() && dtype.read(element) != 0.0 {
                let dims = &self.layout.padded;
                let value = dtype.read(element);
                found = Some(format!("padding, number {i} of {dims:?}, is {value}"));
            }
            element.fill(0xff);
        }
        let written = gaps.iter().position(|&byte| byte != 0xff);
        found.or(written.map(|at| format!("byte {at}, in a gap between elements, was written")))
    }
}
