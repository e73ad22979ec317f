"""El grafo de una red ya trazada: por qué operaciones pasa lo que va de un tensor a otro.

Una red se puede escribir de muchas formas, con capas propias, envueltas o sin capas; trazada, todas son
operaciones de TensorFlow, y en ellas se lee lo que de verdad calcula.
"""

from collections.abc import Sequence

from gradcam_helpers.engine.backend import tf

# Las que dejan los valores, y su orden, como estaban.
IDENTITIES = {"Identity", "IdentityN", "Cast", "Reshape", "Squeeze", "ExpandDims", "EnsureShape"}
# Las que miran la forma de un tensor, y no lo que lleva.
SHAPES = {"Shape", "ShapeN", "Size", "Rank"}
CONVOLUTIONS = {"Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput"}
POOLINGS = {"MaxPool", "AvgPool", "MaxPoolV2", "FractionalMaxPool", "FractionalAvgPool"}
# Donde una red pone lo que ha aprendido: productos por pesos.
FILTERS = CONVOLUTIONS | {
    *("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "Conv3D", "XlaConvV2"),
}
# Por dentro no se ve lo que hacen: otra función, un bucle o una condición.
OPAQUE = {"PartitionedCall", "StatefulPartitionedCall", "While", "StatelessWhile", "If", "StatelessIf"}
SIXTEEN_BITS = (tf.float16, tf.bfloat16)


class Graph:
    """Lo que, en un grafo, depende de las imágenes que entran.

    Atributos:
        images: el tensor de las imágenes, (N, alto, ancho, canales).
        order: las operaciones que dependen de ellas, cada una con el lugar en que se calcula.
    """

    def __init__(self, images):
        self.images = images
        self.order = {images.op: 0}
        for operation in images.graph.get_operations():
            if any(tensor.op in self.order for tensor in operation.inputs) and operation.type not in SHAPES:
                self.order.setdefault(operation, len(self.order))
        # De cada una, el eje de los canales y la forma del último mapa que ha pasado por ella.
        self._layout = {images.op: (3, images.shape)}
        for operation in list(self.order)[1:]:
            self._layout[operation] = self._find_layout(operation)

    def sources(self, tensor) -> list:
        """De qué tensores, de los que dependen de las imágenes, sale uno."""
        inputs = tensor.op.inputs
        if tensor.op.type == "IdentityN":
            inputs = inputs[tensor.value_index : tensor.value_index + 1]
        return [each for each in inputs if each.op in self.order]

    def between(self, starts: Sequence, end) -> set:
        """Las operaciones que llevan de unos tensores a otro, con la de este y sin las de aquellos.

        Con la de las imágenes entre ellas, si a `end` se llega también por otro camino.
        """
        limits, found, pending = {tensor.op for tensor in starts}, set(), [end]
        while pending:
            tensor = pending.pop()
            if tensor.op not in limits and tensor.op not in found:
                found.add(tensor.op)
                pending += self.sources(tensor)
        return found

    def passes_all_through(self, middle, end) -> bool:
        """Si nada llega de las imágenes a `end` sin pasar por `middle`."""
        return self.images.op not in self.between([middle], end)

    def learns(self, operation) -> bool:
        """Si es un producto por pesos que la red ha aprendido, y no por unos fijos ni por ella misma."""
        pending, seen = list(operation.inputs), set()
        while pending and operation.type in FILTERS:
            tensor = pending.pop()
            if tensor.dtype == tf.resource:  # una variable
                return True
            if tensor.op not in self.order and tensor.op not in seen:
                seen.add(tensor.op)
                pending += tensor.op.inputs
        return False

    def types_between(self, starts: Sequence, end) -> list[str]:
        return [operation.type for operation in self.between(starts, end)]

    def is_map(self, tensor) -> bool:
        """Si es un mapa de características por imagen, con más de una posición."""
        shape = getattr(tensor, "shape", None)
        return shape is not None and shape.rank == 4 and self.grid(tensor) != (1, 1)

    def grid(self, tensor) -> tuple:
        """Alto y ancho de un mapa; None donde vale cualquiera."""
        return tuple(size for axis, size in enumerate(tensor.shape) if axis not in (0, self.axis_of(tensor)))

    def axis_of(self, tensor) -> int:
        """El eje de los canales; el último, si no hay ninguna convolución que diga otra cosa."""
        return self._layout[tensor.op][0] or 3

    def last_maps(self, end):
        """El último mapa antes de `end`: donde se pierde el espacio; None si no hay ninguno."""
        found, seen, pending = [], set(), [end]
        while pending:
            tensor = pending.pop()
            if tensor.op in seen:
                continue
            seen.add(tensor.op)
            if self.is_map(tensor):
                found.append(tensor)
            else:
                pending += self.sources(tensor)
        found = [tensor for tensor in found if tensor.op is not self.images.op]
        return max(found, key=lambda tensor: self.order[tensor.op], default=None)

    @property
    def has_16_bits(self) -> bool:
        return any(tensor.dtype in SIXTEEN_BITS for operation in self.order for tensor in operation.outputs)

    def _find_layout(self, operation) -> tuple:
        origin = next(tensor for tensor in operation.inputs if tensor.op in self.order)
        axis, before = self._layout[origin.op]
        after = operation.outputs[0].shape if operation.outputs else None
        if operation.type in CONVOLUTIONS:
            own = {b"NHWC": 3, b"NCHW": 1}[operation.get_attr("data_format")]
            if axis not in (own, None):
                raise ValueError(
                    f"En «{operation.name}», la red busca los canales en el eje {own} y los recibe en el "
                    f"{axis}. Las imágenes llevan los canales al final, (N, alto, ancho, canales): construye "
                    'la red con data_format="channels_last", o ponle delante una capa Permute((3, 1, 2)).'
                )
            axis = own
        elif operation.type == "Transpose" and axis is not None:
            order = tf.get_static_value(operation.inputs[1])
            axis = None if order is None or axis not in order else order.tolist().index(axis)
        if after is None or after.rank != 4:
            return axis, before
        if operation.type == "Reshape" and after.as_list() != before.as_list():
            axis = None
        return axis, after
