"""Files as people have them, made by the programs' own formats, and files as nobody should have them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

import docx
import pptx
import xlsxwriter
from fpdf import FPDF
from PIL import Image
from pylopdf_fonts_zh_cn import sans_path

OPEN = "application/vnd.openxmlformats-officedocument."
DOCX = f"{OPEN}wordprocessingml.document"
PPTX = f"{OPEN}presentationml.presentation"
XLSX = f"{OPEN}spreadsheetml.sheet"
ODT = "application/vnd.oasis.opendocument.text"
ODP = "application/vnd.oasis.opendocument.presentation"
_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
)


def pdf(path: Path, pages: Sequence[str], password: str | None = None) -> Path:
    """A PDF with a text on each page."""
    document = FPDF()
    document.add_font("noto", fname=str(sans_path()))
    if password is not None:
        document.set_encryption(owner_password=password, user_password=password)
    for text in pages:
        document.add_page()
        document.set_font("noto", size=20)
        document.multi_cell(0, text=text)
    document.output(str(path))
    return path


def word(path: Path, *paragraphs: str) -> Path:
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "甲方", "润科"
    document.sections[0].header.paragraphs[0].text = "页眉 header"
    document.save(str(path))
    return path


def slides(path: Path, *titles: str) -> Path:
    show = pptx.Presentation()
    for title in titles:
        slide = show.slides.add_slide(show.slide_layouts[5])
        slide.shapes.title.text = title
        slide.notes_slide.notes_text_frame.text = f"notes of {title}"
    show.save(str(path))
    return path


def workbook(path: Path, rows: Sequence[Sequence[object]], hidden: str = "秘密") -> Path:
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("报价")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    other = book.add_worksheet("hidden")
    other.write(0, 0, hidden)
    other.hide()
    book.close()
    return path


def open_document(path: Path, media_type: str, body: str) -> Path:
    """`body`: what stands in office:body, as XML."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", media_type)
        content = f"<office:document-content {_ODF}><office:body>{body}</office:body></office:document-content>"
        archive.writestr("content.xml", content)
    return path


def mail(path: Path, subject: str, text: str, html: str | None = None) -> Path:
    message = EmailMessage()
    message["Subject"], message["From"] = subject, "王芳 <fang@example.com>"
    message["To"] = "li@example.com"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="合同.pdf")
    path.write_bytes(message.as_bytes())
    return path


def picture(path: Path, size: tuple[int, int] = (2000, 1000), colour: str = "red") -> Path:
    Image.new("RGB", size, colour).save(path)
    return path


# -- what nobody should have -----------------------------------------------------------------


def raw_pdf(path: Path, pages: str, content: bytes = b"", filters: str = "/FlateDecode") -> Path:
    """A PDF written by hand: `pages` is its page tree, object 2; object 4 is a stream."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        pages.encode(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<<>>>>",
        b"<</Length %d/Filter[%s]>>stream\n%s\nendstream"
        % (len(content), filters.encode(), content),
    ]
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 5\n0000000000 65535 f \n%strailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
    path.write_bytes(body + end % (table, len(body)))
    return path


def endless_pdf(path: Path) -> Path:
    """Its page tree is its own child."""
    return raw_pdf(path, "<</Type/Pages/Kids[2 0 R 2 0 R 3 0 R]/Count 1000000000>>")


def pdf_bomb(path: Path) -> Path:
    """A page of a few kilobytes that unpacks to hundreds of megabytes of drawing."""
    packer = zlib.compressobj(9)
    piece = b"0 0 m 1 1 l S\n" * 75_000
    inner = b"".join(packer.compress(piece) for _ in range(400)) + packer.flush()
    pages = "<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return raw_pdf(path, pages, zlib.compress(inner, 9), "/FlateDecode/FlateDecode")


def word_bomb(path: Path) -> Path:
    """A document whose one part unpacks to millions of paragraphs."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("word/document.xml", "w", force_zip64=True) as part,
    ):
        part.write(b'<w:document xmlns:w="w"><w:body>')
        for _ in range(20):
            part.write(b"<w:p/>" * 1_000_000)
        part.write(b"</w:body></w:document>")
    return path


def entity_bomb(path: Path) -> Path:
    """A document whose XML declares entities of entities."""
    laughs = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    xml = f'<!DOCTYPE d [<!ENTITY a0 "ha">{laughs}]><d><p><t>&a9;</t></p></d>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", xml)
    return path
