"""Makes the files of fixtures/ with the programs that people make such files with.

    python3 -m venv venv && venv/bin/pip install python-docx openpyxl reportlab pypdf
    venv/bin/python make_fixtures.py

What is asserted of them stands in convert.test.ts.
"""

import csv
import datetime
import io
import json
import tarfile
import zipfile
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pypdf
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen import canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table

HERE = Path(__file__).parent / "fixtures"
HERE.mkdir(exist_ok=True)


def contract_pdf():
    styles = getSampleStyleSheet()
    story = []
    for number, (title, text) in enumerate(
        [
            ("Definitions", "“Supplier” means Müller &amp; Søn GmbH. The fee is 1,200 €."),
            ("Indemnity", "The Supplier shall indemnify the Client against all claims of third parties."),
            ("Term", "This agreement ends on 31 December 2027."),
        ],
        1,
    ):
        story += [Paragraph(f"{number}. {title}", styles["Heading1"]), Paragraph(text, styles["BodyText"])]
        if number == 2:
            story.append(Table([["Party", "Cap"], ["Supplier", "100,000"], ["Client", "none"]]))
        story.append(PageBreak())
    SimpleDocTemplate(
        str(HERE / "contract.pdf"), pagesize=A4, title="Service agreement", author="Legal", invariant=1
    ).build(story)


def scanned_pdf():
    page = canvas.Canvas(str(HERE / "scanned.pdf"), pagesize=A4, invariant=1)
    for _ in range(2):
        page.rect(100, 100, 300, 500, fill=1)
        page.showPage()
    page.save()


def encrypted_pdf():
    writer = pypdf.PdfWriter(clone_from=HERE / "contract.pdf")
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(HERE / "encrypted.pdf")


def report_docx():
    document = docx.Document()
    document.core_properties.title = "Annual report"
    document.add_heading("Annual report", 0)
    document.add_heading("Revenue", 1)
    document.add_paragraph("Revenue rose to 12.5 million € – “a record”.")
    document.add_paragraph("first point", style="List Bullet")
    document.add_paragraph("second point", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, [("Region", "Sales"), ("North", "7.5")]):
        for cell, text in zip(row.cells, cells):
            cell.text = text
    document.add_heading("Outlook", 1)
    document.add_paragraph("Stable.")
    document.save(HERE / "report.docx")


def figures_xlsx():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Orders"
    sheet.append(["id", "customer", "amount", "paid", "date"])
    sheet.append([1, "Ärzte GmbH", 12.5, True, datetime.date(2026, 3, 1)])
    sheet.append([2, "Søn", 1e6, False, datetime.datetime(2026, 3, 2, 14, 30)])
    sheet.append([3, None, -4, None, None])
    book.save(HERE / "one-sheet.xlsx")
    second = book.create_sheet("Rates")
    second.append(["currency", "rate"])
    second.append(["EUR", 1])
    book.save(HERE / "figures.xlsx")


def mail_eml():
    mail = EmailMessage()
    mail["From"] = "Jürgen <juergen@example.com>"
    mail["To"] = "legal@example.com"
    mail["Subject"] = "Vertrag: Änderung"
    mail["Date"] = "Tue, 03 Mar 2026 10:00:00 +0100"
    mail.set_content("Please see the attachment.\nGrüße\n")
    mail.add_alternative("<p>Please see the <b>attachment</b>.</p>", subtype="html")
    mail.add_attachment(b"party,cap\nSupplier,100\n", maintype="text", subtype="csv", filename="caps.csv")
    mail.set_boundary("----=_one")
    mail.get_payload()[0].set_boundary("----=_two")
    (HERE / "mail.eml").write_bytes(bytes(mail))


def tables():
    rows = [["name", "town", "note"], ["Jürgen", "Köln", 'said "yes"; then no'], ["Zoë", "Zürich", "two\nlines"]]
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    (HERE / "semicolon.csv").write_bytes(text.getvalue().encode("cp1252"))
    text = io.StringIO()
    csv.writer(text, dialect="excel-tab").writerows(rows)
    (HERE / "people.tsv").write_text(text.getvalue(), newline="")
    lines = [{"id": 12345678901234567890, "x": 1.0}, {"id": 2, "tags": ["a", "b"]}]
    (HERE / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def encodings():
    texts = {
        "japanese.txt": ("これは契約書です。供給者は顧客に補償するものとします。契約は年末に終了します。", "shift_jis"),
        "russian.txt": ("Поставщик обязуется возместить заказчику все убытки. Договор действует до конца года.", "cp1251"),
        "chinese.txt": ("供应商应赔偿客户的一切损失。本合同在年底终止。双方应保持合同内容的机密性。", "gb18030"),
        "german.txt": ("Der Lieferant hält den Kunden schadlos – für „alle“ Ansprüche, §\u00a04.", "cp1252"),
    }
    for name, (text, encoding) in texts.items():
        (HERE / name).write_bytes(text.encode(encoding))


def archives():
    members = {"a.txt": b"first", "sub/contract.pdf": (HERE / "contract.pdf").read_bytes(), "sub/bad.pdf": b"%PDF-1.7\nbroken"}
    with zipfile.ZipFile(HERE / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    for name, mode in [("bundle.tar", "w"), ("bundle.tgz", "w:gz")]:
        with tarfile.open(HERE / name, mode) as archive:
            for member, content in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


for make in (contract_pdf, scanned_pdf, encrypted_pdf, report_docx, figures_xlsx, mail_eml, tables, encodings, archives):
    make()
