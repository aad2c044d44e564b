//! The model that this crate writes and reads.

use prost::Message;

use crate::{ModelError, Signature, build, proto, read};

/// The media type of the bytes.
pub const MEDIA_TYPE: &str = "application/onnx";

/// An affine map of the inputs, and what is made of its result.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// Who made the model: the plugin's name and version.
    pub producer: String,
    /// The columns.
    pub signature: Signature,
    /// The weights: a row for each input, a column for each element of `bias`, row after row.
    pub weights: Vec<f64>,
    /// What is added: one for a regression, one for each class for a classifier.
    pub bias: Vec<f64>,
    /// What is made of the result.
    pub head: Head,
}

/// What is made of the affine map's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// Itself: the tensor `prediction`.
    Regression,
    /// The tensors `probabilities` (by softmax) and `label_index` (of the largest).
    Classification {
        /// The classes, in the order of the probabilities.
        labels: Vec<String>,
    },
}

impl Linear {
    /// The model as the bytes of an ONNX `ModelProto`. Equal models give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        build::model(self).encode_to_vec()
    }

    /// Reads back what [`encode`](Self::encode) gave.
    ///
    /// # Errors
    ///
    /// When the bytes are anything else; says which part is.
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelError> {
        let model = proto::Model::decode(bytes).map_err(|source| ModelError::NotOnnx { bytes: bytes.len(), source })?;
        let linear = read::linear(&model)?;
        // Whatever the checks did not look at, such as fields that are not bound here, would be lost: it shows in the bytes.
        if linear.encode() == bytes { Ok(linear) } else { Err(ModelError::Foreign) }
    }

    /// Row `input` of the weights.
    pub fn weights_of(&self, input: usize) -> &[f64] {
        &self.weights[input * self.bias.len()..][..self.bias.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    fn regression() -> Linear {
        Linear {
            producer: "test 1.0.0".into(),
            signature: Signature {
                inputs: vec![Column::new("a", "float"), Column::new("b", "integer")],
                outputs: vec![Column::new("prediction", "float")],
            },
            weights: vec![1.5, -2.0],
            bias: vec![0.25],
            head: Head::Regression,
        }
    }

    fn classifier() -> Linear {
        Linear {
            signature: Signature {
                inputs: vec![Column::new("a", "float"), Column::new("b", "integer")],
                outputs: vec![
                    Column::new("prediction", "text"),
                    Column::new("probability:no", "float"),
                    Column::new("probability:yes", "float"),
                ],
            },
            weights: vec![0.0, 1.0, 0.0, -3.0],
            bias: vec![0.0, 0.5],
            head: Head::Classification { labels: vec!["no".into(), "yes".into()] },
            ..regression()
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for model in [regression(), classifier()] {
            assert_eq!(Linear::decode(&model.encode()).unwrap(), model);
        }
        assert_eq!(classifier().weights_of(1), [0.0, -3.0]);
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_of_the_structure_is_an_error_or_another_model() {
        for model in [regression(), classifier()] {
            let bytes = model.encode();
            for end in 0..bytes.len() {
                assert!(Linear::decode(&bytes[..end]).is_err(), "the first {end} bytes");
            }
            for bit in 0..bytes.len() * 8 {
                let mut damaged = bytes.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                // A flipped bit within a weight or a name is another model; it must never panic or pass as the same.
                if let Ok(read) = Linear::decode(&damaged) {
                    assert_eq!(read.encode(), damaged, "bit {bit}");
                }
            }
        }
    }

    /// Changes the encoded model and looks at the error.
    fn check(change: impl Fn(&mut proto::Model), expected: &str) {
        let mut model = build::model(&regression());
        change(&mut model);
        assert_eq!(Linear::decode(&model.encode_to_vec()).unwrap_err().to_string(), expected);
    }

    #[test]
    fn errors_name_the_part() {
        check(|model| model.graph = None, "graph: expected one, found none");
        check(|model| model.ir_version = 3, "IR version: expected 8, found 3");
        check(|model| model.opset_import[0].version = 9, "operator set: expected ai.onnx 17, found ai.onnx 9");
        check(
            |model| model.graph.as_mut().unwrap().node[1].op_type = "Mul".into(),
            "operators: expected `MatMul, Add` or `MatMul, Add, Softmax, ArgMax`, found `MatMul, Mul`",
        );
        check(
            |model| model.graph.as_mut().unwrap().initializer[0].dims = vec![1, 2],
            "tensor `weights`: expected 2 x 1 doubles, found 1 x 2 doubles",
        );
        check(
            |model| model.graph.as_mut().unwrap().initializer[0].data_type = 1,
            "tensor `weights`: expected 2 x 1 doubles, found 2 x 1 of type 1",
        );
        check(
            |model| model.graph.as_mut().unwrap().initializer[0].raw_data.truncate(8),
            "tensor `weights`: expected 16 bytes, found 8",
        );
        check(
            |model| model.graph.as_mut().unwrap().initializer[0].raw_data[8..].copy_from_slice(&f64::NAN.to_le_bytes()),
            "tensor `weights`: expected finite numbers, found NaN",
        );
        check(
            |model| model.metadata_props.clear(),
            "metadata `sprag.signature`: expected the model's columns as JSON, found nothing",
        );
        check(
            |model| model.metadata_props[0].value = "[".into(),
            "metadata `sprag.signature`: EOF while parsing a list at line 1 column 1",
        );
        check(
            |model| model.graph.as_mut().unwrap().name = "other".into(),
            "expected nothing but a linear model, found more in it",
        );
        let error = Linear::decode(b"AGE,SEX\n1,2\n").unwrap_err().to_string();
        assert!(error.starts_with("expected an ONNX model, found 12 bytes that are none, or that break off: "), "{error}");
        assert_eq!(Linear::decode(b"").unwrap_err().to_string(), "IR version: expected 8, found 0");
    }
}
