"""Small files of other programs: Leica LIF by its published layout (an XML text, then blocks of memory), DICOM."""

import struct

import numpy as np

SCENE = """<Element Name="{name}" Visibility="1"><Data><Image><ImageDescription><Channels>{channels}</Channels>
<Dimensions>{dimensions}</Dimensions></ImageDescription></Image></Data>
<Memory Size="{size}" MemoryBlockID="MemBlock_{number}"/></Element>"""
CHANNEL = """<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" NameOfMeasuredQuantity="" Min="0"
Max="65535" Unit="" LUTName="{name}" IsLUTInverted="0" BytesInc="{step}" BitInc="0"/>"""
DIMENSION = """<DimensionDescription DimID="{axis}" NumberOfElements="{count}" Origin="0" Length="{length}"
Unit="m" BitInc="0" BytesInc="{step}"/>"""
AXES = {"X": 1, "Y": 2, "Z": 3}


def write_lif(path, scenes, um=(2.0, 0.5, 0.25), channels=("Green", "Red")):
    """Write scenes (C, Z, Y, X) of uint16 with a pixel size in um along Z, Y, X."""
    elements = "".join(_scene(number, scene, um, channels) for number, scene in enumerate(scenes))
    text = f'<Element Name="x"><Children>{elements}</Children></Element>'
    text = f'<LMSDataContainerHeader Version="2">{text}</LMSDataContainerHeader>'
    content = _block(struct.pack("<BI", 0x2A, len(text)) + text.encode("utf-16-le"))
    for number, scene in enumerate(scenes):
        name, pixels = f"MemBlock_{number}", np.ascontiguousarray(scene, "<u2").tobytes()
        head = struct.pack("<BQBI", 0x2A, len(pixels), 0x2A, len(name)) + name.encode("utf-16-le")
        content += _block(head) + pixels
    path.write_bytes(content)
    return path


def _block(content):
    return struct.pack("<II", 0x70, len(content)) + content


def _scene(number, scene, um, channels):
    lengths = dict(zip("CZYX", scene.shape, strict=True))
    steps = dict(zip("CZYX", np.ascontiguousarray(scene, "<u2").strides, strict=True))
    sizes = dict(zip("ZYX", um, strict=True))
    dimensions = "".join(
        DIMENSION.format(
            axis=AXES[axis], count=lengths[axis], length=sizes[axis] * 1e-6 * (lengths[axis] - 1), step=steps[axis]
        )
        for axis in "XYZ"
    )
    described = "".join(CHANNEL.format(name=name, step=steps["C"] * place) for place, name in enumerate(channels))
    return SCENE.format(
        name=f"Series{number}", channels=described, dimensions=dimensions, size=scene.size * 2, number=number
    )


def write_dicom(path, pixels, **facts):
    """Write a DICOM file of secondary capture."""
    import pydicom

    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    stored = pydicom.Dataset()
    stored.file_meta = meta
    stored.SOPClassUID, stored.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    stored.Rows, stored.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        stored.NumberOfFrames = len(pixels)
    stored.SamplesPerPixel, stored.PixelRepresentation = 1, 0
    stored.BitsAllocated = stored.BitsStored = 16
    stored.HighBit, stored.PhotometricInterpretation = 15, "MONOCHROME2"
    stored.PixelData = pixels.astype("<u2").tobytes()
    for name, value in facts.items():
        setattr(stored, name, value)
    stored.save_as(path, enforce_file_format=True)
    return path
