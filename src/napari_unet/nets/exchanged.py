"""The former name of `bioimageio_net`, from which packages that name it import the network."""

from napari_unet.nets.bioimageio_net import ExchangedUNet

__all__ = ["ExchangedUNet"]
