//! The problem language: one line says a primitive, its types, shape, layouts and attributes.
//!
//! ```text
//! matmul u8:s8:f32 3x16x32:3x32x64 tags=abc:acb:abc bias=f32 scales=src,wei:4 zp=src post=relu,sum:0.5,add:f32:4
//! ip bf16:bf16:f32 mb16ic64ih2iw2oc32 prop=bwd_w tags=any:any:any bias=f32
//! conv f32:f32:f32 g2mb1ic16oc32ih28oh14kh3sh2ph1 prop=bwd_d
//! eltwise f32:f32 2x19x3x5 alg=gelu_erf tags=aBcd16b:aBcd16b prop=bwd
//! brgemm bf16:bf16:f32 64x64x64 batch=16
//! ```
//!
//! Shapes are oneDNN's. Layouts are tags or strides (`@64x1`); `+3` behind one makes the tensor a view that begins at
//! index 3 of dim 0 of a larger one, also in `bias=f32:@2+3` and `post=add:f32:3:ba`. Masks have bit d set where a value varies along dimension d; 0 is one value for all. Tests, the
//! bounded fuzz and the benchmarks share this file, and what they print can be given back to them.

use std::fmt;
use std::str::FromStr;

/// One post-op.
#[derive(Clone, Debug, PartialEq)]
pub enum Post {
    /// dst = op + scale * (old - zero point).
    Sum { scale: f64, zero_point: i32 },
    /// An algorithm with alpha and beta.
    Eltwise { alg: String, alpha: f64, beta: f64 },
    /// An algorithm with an operand of a type that varies along the mask's dims, in the layout of a tag.
    Binary {
        alg: String,
        dtype: String,
        mask: i32,
        tag: String,
    },
    /// dst = op > 0 ? op : op * weights, weights varying along the mask's dims.
    Prelu { mask: i32 },
}

/// A whole problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problem {
    /// matmul, ip, reorder, eltwise, binary, sum; or brgemm, whose shape is rows x columns x reduction.
    pub kind: String,
    /// Types in the primitive's order of arguments.
    pub types: Vec<String>,
    /// Shapes in the same order; one for all where they agree.
    pub shapes: Vec<Vec<i64>>,
    /// Layout tags in the same order; empty for plain ones.
    pub tags: Vec<String>,
    /// The bias's type, and its layout unless that is plain, if there is one.
    pub bias: Option<String>,
    /// fwd, inf, bwd_d, bwd_w, bwd; empty for inf.
    pub prop: String,
    /// Eltwise and binary: the algorithm, alpha, beta.
    pub alg: String,
    pub alpha: f64,
    pub beta: f64,
    /// Scales: argument (src, wei, dst) and mask.
    pub scales: Vec<(String, i32)>,
    /// Zero points: argument and mask.
    pub zero_points: Vec<(String, i32)>,
    pub post_ops: Vec<Post>,
    /// Dims that are left open until execution: argument (src, wei, bia, dst) and mask.
    pub open: Vec<(String, i32)>,
    /// Further attributes, by name: dropout, rounding, f16_sums, groups (of scales), depthwise (the fused convolution).
    pub also: Vec<String>,
    /// Asks for the same bits with any number of threads.
    pub deterministic: bool,
    /// Blocks that a brgemm reduces over, 0 for other primitives.
    pub batch: i64,
}

type Fault = String;

fn number<T: FromStr>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

fn dims(text: &str) -> Result<Vec<i64>, Fault> {
    text.split('x').map(number).collect()
}

fn join<T: ToString>(items: &[T], separator: &str) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    items.join(separator)
}

/// `mb16ic64ih2iw2oc32`: source, weights and destination dims.
fn inner_product(text: &str) -> Result<Vec<Vec<i64>>, Fault> {
    let mut sizes = [None; 6];
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| c.is_ascii_digit())
            .ok_or("a size is missing")?;
        let (name, tail) = rest.split_at(digits);
        let end = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let slot = ["mb", "ic", "id", "ih", "iw", "oc"]
            .iter()
            .position(|n| *n == name);
        sizes[slot.ok_or_else(|| format!("{name:?} is no size of an inner product"))?] =
            Some(number(&tail[..end])?);
        rest = &tail[end..];
    }
    let [mb, ic, id, ih, iw, oc] = sizes;
    let (mb, ic, oc) = (
        mb.ok_or("mb is missing")?,
        ic.ok_or("ic is missing")?,
        oc.ok_or("oc is missing")?,
    );
    let spatial = [id, ih, iw].into_iter().flatten();
    let weights: Vec<i64> = [oc, ic].into_iter().chain(spatial).collect();
    let src = [mb].into_iter().chain(weights[1..].to_vec()).collect();
    Ok(vec![src, weights, vec![mb, oc]])
}

/// `g2mb1ic16oc32ih28oh14kh3sh2dh0ph1`: dims of source, weights and destination, strides, dilations, paddings before and
/// after. A missing width is the height; a missing output size follows from equal padding on both sides, one that is given
/// asks for just the padding that it needs after, where that is negative too.
fn convolution(text: &str, transposed: bool) -> Result<Vec<Vec<i64>>, Fault> {
    let mut sizes = std::collections::HashMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| c.is_ascii_digit())
            .ok_or("a size is missing")?;
        let (name, tail) = rest.split_at(digits);
        let end = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        sizes.insert(
            name.trim_matches('_').to_owned(),
            number::<i64>(&tail[..end])?,
        );
        rest = &tail[end..];
    }
    let get = |name: &str| sizes.get(name).copied();
    let need = |name: &str| get(name).ok_or(format!("{name} is missing in {text:?}"));
    let (groups, mb, ic, oc) = (get("g").unwrap_or(1), need("mb")?, need("ic")?, need("oc")?);
    let names: &[&str] = match (get("id"), get("ih")) {
        (Some(_), _) => &["d", "h", "w"],
        (_, Some(_)) => &["h", "w"],
        _ => &["w"],
    };
    let mut shapes = vec![vec![mb, ic], vec![oc / groups, ic / groups], vec![mb, oc]];
    if groups > 1 {
        shapes[1].insert(0, groups);
    }
    shapes.extend([Vec::new(), Vec::new(), Vec::new(), Vec::new()]);
    for name in names {
        let value = |letter: &str| get(&format!("{letter}{name}")).or(get(&format!("{letter}h")));
        let input = value("i").ok_or("the input's size is missing")?;
        let taps = value("k").ok_or("the kernel's size is missing")?;
        let (stride, dilate) = (value("s").unwrap_or(1), value("d").unwrap_or(0));
        let (pad, reach) = (value("p").unwrap_or(0), (taps - 1) * (dilate + 1) + 1);
        let given = value("o");
        let output = given.unwrap_or(match transposed {
            true => (input - 1) * stride + reach - 2 * pad,
            false => (input + 2 * pad - reach) / stride + 1,
        });
        let (large, small) = if transposed {
            (output, input)
        } else {
            (input, output)
        };
        let after = (small - 1) * stride + reach - large - pad;
        let least = if given.is_some() { 1 - stride } else { 0 };
        for (shape, x) in
            shapes
                .iter_mut()
                .zip([input, taps, output, stride, dilate, pad, after.max(least)])
        {
            shape.push(x);
        }
    }
    Ok(shapes)
}

/// The same as text.
fn convolution_shape(shapes: &[Vec<i64>]) -> String {
    let spatial = shapes[3].len();
    let (src, weights, dst) = (&shapes[0], &shapes[1], &shapes[2]);
    let groups = if weights.len() > src.len() {
        weights[0]
    } else {
        1
    };
    let mut text = format!("g{groups}mb{}ic{}oc{}", src[0], src[1], dst[1]);
    for (i, x) in ["d", "h", "w"][3 - spatial..].iter().enumerate() {
        let taps = weights[weights.len() - spatial + i];
        text += &format!(
            "i{x}{}o{x}{}k{x}{taps}s{x}{}d{x}{}p{x}{}",
            src[2 + i],
            dst[2 + i],
            shapes[3][i],
            shapes[4][i],
            shapes[5][i]
        );
    }
    text
}

/// `3x16x32:1x32x64`: source, weights and destination dims.
fn matmul(text: &str) -> Result<Vec<Vec<i64>>, Fault> {
    let shapes: Vec<Vec<i64>> = text.split(':').map(dims).collect::<Result<_, _>>()?;
    let [src, weights] = &shapes[..] else {
        return Err(format!("{text:?} has {} shapes, not 2", shapes.len()));
    };
    if src.len() != weights.len() || src.len() < 2 {
        return Err(format!("{text:?} has unequal ranks"));
    }
    let mut dst: Vec<i64> = src
        .iter()
        .zip(weights)
        .map(|(a, b)| if *a == 1 { *b } else { *a })
        .collect();
    let n = dst.len();
    dst[n - 2] = src[n - 2];
    dst[n - 1] = weights[n - 1];
    Ok(vec![src.clone(), weights.clone(), dst])
}

fn pair(text: &str) -> Result<(String, i32), Fault> {
    match text.split_once(':') {
        Some((name, mask)) => Ok((name.to_owned(), number(mask)?)),
        None => Ok((text.to_owned(), 0)),
    }
}

fn post_op(text: &str) -> Result<Post, Fault> {
    let words: Vec<&str> = text.split(':').collect();
    let value = |i: usize| words.get(i).map_or(Ok(0.0), |word| number(word));
    Ok(match words[0] {
        "sum" => Post::Sum {
            scale: if words.len() > 1 { value(1)? } else { 1.0 },
            zero_point: value(2)? as i32,
        },
        "prelu" => Post::Prelu {
            mask: value(1)? as i32,
        },
        "add" | "mul" | "max" | "min" | "sub" | "div" | "ge" | "gt" | "le" | "lt" | "eq" | "ne" => {
            Post::Binary {
                alg: words[0].to_owned(),
                dtype: words.get(1).unwrap_or(&"f32").to_string(),
                mask: value(2)? as i32,
                tag: words.get(3).unwrap_or(&"").to_string(),
            }
        }
        alg => Post::Eltwise {
            alg: alg.to_owned(),
            alpha: value(1)?,
            beta: value(2)?,
        },
    })
}

fn strings(text: &str, separator: char) -> Vec<String> {
    text.split(separator).map(str::to_owned).collect()
}

impl FromStr for Problem {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Problem, Fault> {
        let mut words = text.split_whitespace();
        let mut next = |what: &str| words.next().ok_or(format!("{what} is missing in {text:?}"));
        let (kind, types, shape) = (next("a primitive")?, next("a type")?, next("a shape")?);
        let mut problem = Problem {
            kind: kind.to_owned(),
            types: strings(types, ':'),
            shapes: match kind {
                "ip" => inner_product(shape)?,
                "matmul" => matmul(shape)?,
                "conv" | "deconv" => convolution(shape, kind == "deconv")?,
                _ => shape.split(':').map(dims).collect::<Result<_, _>>()?,
            },
            ..Problem::default()
        };
        for word in words {
            problem.option(word)?;
        }
        Ok(problem)
    }
}

impl Problem {
    fn option(&mut self, word: &str) -> Result<(), Fault> {
        let (key, value) = word
            .split_once('=')
            .ok_or(format!("{word:?} is no option"))?;
        match key {
            "tags" => self.tags = strings(value, ':'),
            "bias" => self.bias = Some(value.to_owned()),
            "prop" => self.prop = value.to_owned(),
            "scales" => self.scales = value.split(',').map(pair).collect::<Result<_, _>>()?,
            "zp" => self.zero_points = value.split(',').map(pair).collect::<Result<_, _>>()?,
            "post" => self.post_ops = value.split(',').map(post_op).collect::<Result<_, _>>()?,
            "open" => self.open = value.split(',').map(pair).collect::<Result<_, _>>()?,
            "also" => self.also = strings(value, ','),
            "deterministic" => self.deterministic = value == "1",
            "batch" => self.batch = number(value)?,
            "alg" => {
                let words = strings(value, ':');
                self.alg = words[0].clone();
                self.alpha = words.get(1).map_or(Ok(0.0), |word| number(word))?;
                self.beta = words.get(2).map_or(Ok(0.0), |word| number(word))?;
            }
            _ => return Err(format!("{key:?} is no option")),
        }
        Ok(())
    }

    /// The shape as the problem language writes it.
    pub fn shape(&self) -> String {
        let plain = |shape: &Vec<i64>| join(shape, "x");
        match self.kind.as_str() {
            "matmul" => format!("{}:{}", plain(&self.shapes[0]), plain(&self.shapes[1])),
            "ip" => {
                let weights = &self.shapes[1];
                let names = &["id", "ih", "iw"][5 - weights.len()..];
                let spatial = names
                    .iter()
                    .zip(&weights[2..])
                    .map(|(name, size)| format!("{name}{size}"));
                let spatial: String = spatial.collect();
                format!(
                    "mb{}ic{}{spatial}oc{}",
                    self.shapes[0][0], weights[1], weights[0]
                )
            }
            "conv" | "deconv" => convolution_shape(&self.shapes),
            _ => {
                let shapes: Vec<String> = self.shapes.iter().map(plain).collect();
                shapes.join(":")
            }
        }
    }

    /// Nominal floating-point operations of one execution; 0 for what does not multiply matrices.
    #[allow(dead_code)]
    pub fn flops(&self) -> f64 {
        let volume = |shape: &Vec<i64>| shape.iter().product::<i64>() as f64;
        match self.kind.as_str() {
            "matmul" => 2.0 * volume(&self.shapes[2]) * *self.shapes[0].last().unwrap_or(&0) as f64,
            "ip" => 2.0 * volume(&self.shapes[1]) * self.shapes[0][0] as f64,
            "brgemm" => 2.0 * volume(&self.shapes[0]) * self.batch as f64,
            _ => 0.0,
        }
    }
}

impl fmt::Display for Post {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Post::Sum { scale, zero_point } => write!(f, "sum:{scale}:{zero_point}"),
            Post::Eltwise { alg, alpha, beta } => write!(f, "{alg}:{alpha}:{beta}"),
            Post::Binary {
                alg,
                dtype,
                mask,
                tag,
            } => match tag.as_str() {
                "" => write!(f, "{alg}:{dtype}:{mask}"),
                tag => write!(f, "{alg}:{dtype}:{mask}:{tag}"),
            },
            Post::Prelu { mask } => write!(f, "prelu:{mask}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.types.join(":"), self.shape())?;
        let pairs = |items: &[(String, i32)]| {
            let items: Vec<String> = items
                .iter()
                .map(|(name, mask)| format!("{name}:{mask}"))
                .collect();
            items.join(",")
        };
        if !self.prop.is_empty() {
            write!(f, " prop={}", self.prop)?;
        }
        if !self.alg.is_empty() {
            write!(f, " alg={}:{}:{}", self.alg, self.alpha, self.beta)?;
        }
        if !self.tags.is_empty() {
            write!(f, " tags={}", self.tags.join(":"))?;
        }
        if let Some(bias) = &self.bias {
            write!(f, " bias={bias}")?;
        }
        if !self.scales.is_empty() {
            write!(f, " scales={}", pairs(&self.scales))?;
        }
        if !self.zero_points.is_empty() {
            write!(f, " zp={}", pairs(&self.zero_points))?;
        }
        if !self.post_ops.is_empty() {
            write!(f, " post={}", join(&self.post_ops, ","))?;
        }
        if !self.open.is_empty() {
            write!(f, " open={}", pairs(&self.open))?;
        }
        if !self.also.is_empty() {
            write!(f, " also={}", self.also.join(","))?;
        }
        if self.deterministic {
            write!(f, " deterministic=1")?;
        }
        if self.batch > 0 {
            write!(f, " batch={}", self.batch)?;
        }
        Ok(())
    }
}
