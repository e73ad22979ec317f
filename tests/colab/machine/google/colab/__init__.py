"""El paquete por el que un cuaderno reconoce que está en Colab. Aquí no hace nada."""
