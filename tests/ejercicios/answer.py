"""Una respuesta del catálogo."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """Una respuesta de alguien.

    Atributos:
        key: el ejercicio.
        answer: lo que se le pasa a `comprobar`.
        message: un trozo de lo que se le dice, si está mal.
        given: lo que la celda añade.
    """

    key: str
    answer: object
    message: str = ""
    given: dict = field(default_factory=dict)

    def __str__(self) -> str:
        """Como se la nombra al pasar las pruebas."""
        return f"{self.key} {getattr(self.answer, '__name__', self.message)}"
