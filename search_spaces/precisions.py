"""Number types that layers may compute in, by Keras' own names. Weights are float32 in all of them.

Gradients in float16 need their loss scaled, or the small ones become zero; bfloat16 has float32's
range and needs nothing.
"""

from __future__ import annotations

FLOAT32 = "float32"
MIXED_FLOAT16 = "mixed_float16"
MIXED_BFLOAT16 = "mixed_bfloat16"
PRECISIONS = (FLOAT32, MIXED_FLOAT16, MIXED_BFLOAT16)
