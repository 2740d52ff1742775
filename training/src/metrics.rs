//! Placeholder until metrics arrive.
#![allow(missing_docs)]
#[derive(Default)]
pub struct ConfusionMatrix([[u64; 7]; 7]);
impl ConfusionMatrix {
    pub fn add(&mut self, truth: usize, predicted: usize) {
        self.0[truth][predicted] += 1;
    }
    pub fn accuracy(&self) -> f64 {
        let n: u64 = self.0.iter().flatten().sum();
        (0..7).map(|i| self.0[i][i]).sum::<u64>() as f64 / n.max(1) as f64
    }
    pub fn macro_f1(&self) -> f64 {
        (0..7)
            .map(|i| {
                let tp = self.0[i][i] as f64;
                let row: u64 = self.0[i].iter().sum();
                let col: u64 = (0..7).map(|j| self.0[j][i]).sum();
                if row + col == 0 {
                    0.0
                } else {
                    2.0 * tp / (row + col) as f64
                }
            })
            .sum::<f64>()
            / 7.0
    }
}
