//! `exp` and `ln` that are the same on every machine.
//!
//! The standard library's come from the system and differ in the last bits from one to the next, and a model trained
//! with them would too. Where it is not hot, `libm` (a port of musl's, in Rust) serves; the hot ones below use additions, multiplications and bit moves only, all of them exactly defined, and
//! the compiler turns them into vector instructions.

/// e^x for `f32`: relative error below 2e-7 for |x| ≤ 87; beyond, the value at ±87. Range reduction by ln 2 in two
/// parts and the polynomial of Cephes' `expf` (Moshier, 1992).
pub(crate) fn exp(x: f32) -> f32 {
    // Adding and taking away 1.5 * 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let r = x - power * 0.693_359_4 - power * -2.121_944_4e-4;
    let series = 1.987_569_1e-4;
    let series = series * r + 1.398_199_9e-3;
    let series = series * r + 8.333_452e-3;
    let series = series * r + 4.166_579_6e-2;
    let series = series * r + 0.166_666_65;
    let series = series * r + 0.5;
    let mantissa = series * r * r + r + 1.0;
    // The integer sits in the low bits of `shifted`; it becomes the exponent of 2^power.
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    mantissa * f32::from_bits(exponent.wrapping_add(127) << 23)
}

/// 1 / (1 + e^-x), for a raw score.
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// ln(p / (1 - p)) for 0 < p < 1.
pub(crate) fn logit(p: f64) -> f64 {
    libm::log(p) - libm::log1p(-p)
}

/// 1 / (1 + e^-x) in full width.
pub(crate) fn sigmoid_wide(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// ln(1 + e^x) in full width, without overflow.
pub(crate) fn softplus_wide(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

/// ln(1 + e^x) without overflow.
pub(crate) fn softplus(x: f32) -> f32 {
    x.max(0.0) + ln_1p_unit(exp(-x.abs()))
}

/// ln(1 + x) for 0 ≤ x ≤ 1, error below 1e-6: the series of 2 artanh(x / (2 + x)).
fn ln_1p_unit(x: f32) -> f32 {
    let z = x / (2.0 + x);
    let square = z * z;
    let series = 1.0 / 11.0;
    let series = series * square + 1.0 / 9.0;
    let series = series * square + 1.0 / 7.0;
    let series = series * square + 0.2;
    let series = series * square + 1.0 / 3.0;
    2.0 * (z + z * square * series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_library() {
        for step in -8000..=8000 {
            let x = step as f32 * 0.01;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 2e-7, "exp({x}): {error}");
            let exact = f64::from(x).exp().ln_1p();
            let error = (f64::from(softplus(x)) - exact).abs();
            assert!(error < 2e-6 * exact.max(1.0), "softplus({x}): {error}");
        }
    }
}
