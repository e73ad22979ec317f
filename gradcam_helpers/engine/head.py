"""El final de un clasificador: de dónde se leen sus logits, lo escriba como lo escriba."""

from dataclasses import dataclass

from gradcam_helpers.engine.backend import tf
from gradcam_helpers.engine.graph import FILTERS, IDENTITIES, OPAQUE, POOLINGS, Graph

LINEAR, SIGMOID = "sin activación", "Sigmoid"
SOFTMAX, LOG_SOFTMAX = "Softmax", "LogSoftmax"
ACTIVATIONS = (SOFTMAX, LOG_SOFTMAX, SIGMOID)
# Lo que puede haber entre los últimos pesos y los logits: sumas, cambios de escala y promedios.
LINEAR_OPERATIONS = IDENTITIES | {
    *("BiasAdd", "AddV2", "Add", "AddN", "Sub", "Neg", "Mul", "RealDiv", "Mean", "Sum", "Max"),
    *("ConcatV2", "Pack", "Transpose", "StridedSlice", "GatherV2", "FusedBatchNormV3"),
}
RECTIFIERS = {"Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Softplus"}


@dataclass(frozen=True)
class Head:
    """De dónde se leen los logits.

    Atributos:
        activation: lo que la red hace con ellos al final: una de `ACTIVATIONS`, o `LINEAR` si ya los da.
        outputs: cuántos números da. Uno solo, y, distingue dos clases: el logit de la clase 1 es +y, y el de
            la 0, −y.
    """

    activation: str
    outputs: int

    @property
    def classes(self) -> int:
        return max(2, self.outputs)

    def source(self, answer):
        """El tensor de la red del que se leen los logits de una respuesta."""
        return answer if self.activation == LINEAR else find_activation(answer).op.inputs[0]

    def before_activation(self, answer):
        """Lo que la red convierte en su respuesta con la última activación: float32 (N, salidas)."""
        return tf.cast(tf.reshape(self.source(answer), tf.shape(answer)), tf.float32)

    def logits(self, read):
        """Los logits, (N, clases), de lo que da `before_activation`."""
        return tf.concat([-read, read], axis=-1) if self.outputs == 1 else read

    def probabilities(self, logits):
        """Las probabilidades que corresponden a esos logits, con la misma forma.

        Si el modelo da logits, se supone la activación: sigmoide con una salida y softmax con varias.
        """
        independent = self.outputs == 1 or self.activation == SIGMOID
        return tf.nn.sigmoid(logits) if independent else tf.nn.softmax(logits)


def find_activation(answer):
    """De dónde sale la respuesta, saltando lo que la deja como está."""
    tensor = answer
    while tensor.op.type in IDENTITIES:
        tensor = tensor.op.inputs[tensor.value_index]
    return tensor


def find_head(graph: Graph, answer) -> Head:
    """Busca los logits en el grafo: lo que entra en la última softmax o sigmoide, o lo que la red responde.

    Errores:
        ValueError: la red acaba en otra activación, o hace algo más con las probabilidades.
    """
    last, outputs = find_activation(answer).op, answer.shape[-1]
    if last.type in ACTIVATIONS:
        if outputs == 1 and last.type != SIGMOID:
            raise ValueError("La softmax de una sola salida vale siempre 1: el modelo no distingue nada.")
        return Head(last.type, outputs)
    activation = _nonlinear_operation(graph, answer)
    if activation is None:
        return Head(LINEAR, outputs)
    inside = ", que por dentro no se ve" if activation.type in OPAQUE else ""
    afterwards = f" y después «{last.type}»" if activation is not last else ""
    raise ValueError(
        f"No se sabe leer los logits: después de sus últimos pesos, la red aplica «{activation.type}» "
        f"({activation.name}){inside}{afterwards}. Debe acabar en una softmax o una sigmoide, o dar los "
        "logits. Si a los logits los sigue otra cosa, quítala: keras.Model(modelo.input, salida), con la "
        "salida de la capa que los da."
    )


def _nonlinear_operation(graph: Graph, answer):
    """La última operación que deforma lo que sale de los últimos pesos; None si no hay ninguna."""
    pending, seen = [answer], set()
    while pending:
        tensor = pending.pop()
        operation = tensor.op
        # Lo que se hace con un mapa que luego se promedia no es la activación de la respuesta.
        ends = operation.type in FILTERS or operation.type in RECTIFIERS | POOLINGS and graph.is_map(tensor)
        if operation in seen or ends:
            continue
        if operation.type not in LINEAR_OPERATIONS:
            return operation
        seen.add(operation)
        pending += graph.sources(tensor)
    return None
