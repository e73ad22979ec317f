"""Python la importa al arrancar: lo que el cuaderno descargue de la red saldrá de un servidor local.

Las direcciones que pide el curso no cambian; cambian quien responde y, en la tabla de TFDS, el tamaño y la
suma de cada fichero, que son los de las imágenes de prueba.
"""

import hashlib
import os
import urllib.request
from pathlib import Path

import wrapt

SERVER, FOLDER = os.environ["RED_DE_PRUEBA"], Path(os.environ["CARPETA_DE_PRUEBA"])


class LocalHandler(urllib.request.HTTPSHandler):
    def https_open(self, request):
        return self.parent.open(f"{SERVER}/{Path(request.selector).name}")


urllib.request.install_opener(urllib.request.build_opener(LocalHandler))


@wrapt.when_imported("tensorflow_datasets.core.download.checksums")
def expect_the_local_files(checksums):
    load = checksums.load_url_infos

    def local(info):
        path = FOLDER / str(info.filename)  # algunos conjuntos no dicen el nombre
        if not path.is_file():
            return info
        content = path.read_bytes()
        return checksums.UrlInfo(len(content), hashlib.sha256(content).hexdigest(), info.filename)

    checksums.load_url_infos = lambda path: {url: local(info) for url, info in load(path).items()}
