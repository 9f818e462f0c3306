from __future__ import annotations

from pathlib import Path

import pytest

from marrowtrace.errors import CohortError, InputFileError, MissingFileError, PrivacyError
from marrowtrace.io.cbioportal import read_study
from marrowtrace.io.folder import load_cohort, save_cohort

MONTH = 365.25 / 12
FILES = {
    "meta_study.txt": """\
type_of_cancer: brca
cancer_study_identifier: brca_test_2020
name: Breast Cancer (Test)
description: made up: for tests
""",
    "meta_clinical_patient.txt": """\
cancer_study_identifier: brca_test_2020
genetic_alteration_type: CLINICAL
datatype: PATIENT_ATTRIBUTES
data_filename: data_clinical_patient.txt
""",
    "data_clinical_patient.txt": """\
#Patient Identifier|Age|Sex|ER|Overall Survival|Status|DFS|Status|Grade|Smoker|KI67
#Patient identifier|Age|Sex|ER|Overall Survival|Status|DFS|Status|Grade|Smoker|KI67
#STRING|NUMBER|STRING|STRING|NUMBER|STRING|NUMBER|STRING|STRING|BOOLEAN|NUMBER
#1|1|1|1|1|1|1|1|1|1|1
PATIENT_ID|AGE|SEX|ER_STATUS|OS_MONTHS|OS_STATUS|DFS_MONTHS|DFS_STATUS|GRADE|SMOKER|KI67
P-1|61|Female|Positive|24|1:DECEASED|12|1:Recurred/Progressed|G2|yes|0.5
P-2|>89|F|Negative|60.5|0:LIVING|NA|0:DiseaseFree|G3|no|NA
P-3||Unknown|Indeterminate|1|LIVING|[Not Available]||G2||12
""",
    "data_clinical_sample.txt": """\
#Patient Identifier|Sample Identifier|Type|Site|Cancer|Purity
#Patient Identifier|Sample Identifier|Type|Site|Cancer|Purity
#STRING|STRING|STRING|STRING|STRING|NUMBER
#1|1|1|1|1|1
PATIENT_ID|SAMPLE_ID|SAMPLE_TYPE|METASTATIC_SITE|CANCER_TYPE|PURITY
P-1|P-1-T|Primary||Breast Cancer|0.7
P-1|P-1-M|Metastasis|Bone Marrow|Breast Cancer|0.2
P-2|P-2-T|Primary||Breast Cancer|
P-2|P-2-L|Metastasis|Liver|Breast Cancer|
P-3|P-3-X|Xenograft||Breast Cancer|
P-4|P-4-T|Primary||Breast Cancer|
""",
    "data_timeline_specimen.txt": """\
PATIENT_ID|START_DATE|STOP_DATE|EVENT_TYPE|SAMPLE_ID|SPECIMEN_SITE|SPECIMEN_TYPE
P-1|14||SPECIMEN|P-1-T|Breast|tissue
P-1|300||Sample Acquisition|P-1-M|iliac crest|tissue
P-2|30||SPECIMEN||peripheral blood|blood
P-2|31||SPECIMEN||chest|fluid
""",
    "data_timeline_treatment.txt": """\
PATIENT_ID|START_DATE|STOP_DATE|EVENT_TYPE|TREATMENT_TYPE|SUBTYPE|AGENT
P-1|20|100|TREATMENT|Medical Therapy|Chemotherapy|Docetaxel
P-1|20|120|TREATMENT|Medical Therapy|Chemotherapy|Docetaxel
P-2|-5||Treatment|Radiation Therapy|WPRT|50 Gy
P-2|||TREATMENT|Medical Therapy|Hormone Therapy|Tamoxifen
P-2|40||STATUS|||
""",
    "data_timeline_labs.txt": """\
PATIENT_ID|START_DATE|STOP_DATE|EVENT_TYPE|TEST|RESULT|UNITS
P-2|10||LAB_TEST|CA15-3|22.5|U/mL
P-2|10||LAB_TEST|CEA|1.2|ng/mL
P-2|10||LAB_TEST|CEA|1.4|ng/mL
P-2|50||LAB_TEST|CEA|positive|
""",
    "data_mutations.txt": """\
#version 2.4
Hugo_Symbol|Chromosome|Start_Position|Reference_Allele|Tumor_Seq_Allele2|Tumor_Sample_Barcode|t_ref_count|t_alt_count
TP53|17|7577120|C|T|P-1-T|60|40
TP53|17|7577120|C|T|P-1-M|95|5
PIK3CA|3|178936091|G|A|P-3-X|9|3
""",
}


def make(folder: Path, **changes: str | None) -> Path:
    """Write the study, with files replaced (``data_x__txt=...``) or left out (None)."""
    folder.mkdir(exist_ok=True)
    renamed = {name.replace("__", "."): text for name, text in changes.items()}
    for name, text in {**FILES, **renamed}.items():
        if text is not None:
            text = text if name.startswith("meta") else text.replace("|", "\t")
            (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return make(tmp_path / "study")


class TestWholeStudy:
    def test_patients(self, study: Path):
        cohort = read_study(study).cohort
        assert cohort.index_event == "diagnosis"
        patients = cohort.patients
        assert patients["patient_id"].to_list() == ["P-1", "P-2", "P-3", "P-4"]
        assert patients["age"].to_list() == [61.0, None, None, None]
        assert patients["sex"].to_list() == ["female", "female", None, None]
        assert patients["er"].to_list() == ["positive", "negative", None, None]
        assert patients["cancer_type"].to_list() == ["breast"] * 4
        assert patients["SMOKER"].to_list() == [True, False, None, None]
        assert patients["KI67"].to_list() == [0.5, None, 12.0, None]
        assert patients["GRADE"].to_list() == ["G2", "G3", "G2", None]
        assert "OS_MONTHS" not in patients.columns

    def test_months_become_days(self, study: Path):
        follow_up = read_study(study).cohort.follow_up
        assert follow_up.rows() == [
            ("P-1", "overall_survival", 0.0, 24 * MONTH, 1),
            ("P-2", "overall_survival", 0.0, 60.5 * MONTH, 0),
            ("P-3", "overall_survival", 0.0, MONTH, 0),
            ("P-1", "disease_free_survival", 0.0, 12 * MONTH, 1),
        ]

    def test_samples(self, study: Path):
        samples = read_study(study).cohort.samples.sort("sample_id")
        found = samples.select("sample_id", "site", "time", "specimen", "PURITY").rows()
        assert found == [
            ("P-1-M", "bone_marrow", 300.0, "tissue", 0.2),
            ("P-1-T", "primary", 14.0, "tissue", 0.7),
            ("P-2-T", "primary", 0.0, None, None),
            ("P-2-blood-10", "blood", 10.0, "laboratory test", None),
            ("P-2-blood-10-2", "blood", 10.0, "laboratory test", None),
            ("P-2-specimen-30", "blood", 30.0, "blood", None),
            ("P-4-T", "primary", 0.0, None, None),
        ]

    def test_treatments_and_laboratory(self, study: Path):
        cohort = read_study(study).cohort
        assert cohort.treatments.select(
            "patient_id", "start", "stop", "regimen", "agent"
        ).rows() == [
            ("P-1", 20.0, 120.0, "Chemotherapy", "Docetaxel"),
            ("P-2", -5.0, None, "WPRT", "50 Gy"),
        ]
        assert cohort.measurements.rows() == [
            ("P-2-blood-10", "CA15-3", 22.5, "U/mL"),
            ("P-2-blood-10", "CEA", 1.2, "ng/mL"),
            ("P-2-blood-10-2", "CEA", 1.4, "ng/mL"),
        ]

    def test_mutations(self, study: Path):
        cohort = read_study(study).cohort
        assert cohort.cells["cell_id"].to_list() == ["P-1-T", "P-1-M"]
        assert cohort.matrices["variants"].layers["alt"][:, 0].tolist() == [40, 5]

    def test_everything_assumed_or_left_out_is_reported(self, study: Path):
        result = read_study(study)
        assert result.cohort.provenance.notes == result.report
        for line in (
            "AGE: 1 value(s) that are no number left out: '>89' (a bound is no value)",
            "SEX: not known as sex, left empty: 'Unknown' (1)",
            "SEX: 'F' is read as female (1)",
            "ER_STATUS: not known as receptor status, left empty: 'Indeterminate' (1)",
            "disease_free_survival: 1 patient(s) with a time or a status only; left out",
            "1 sample(s) left out: no known site in SAMPLE_TYPE ('Xenograft')",
            "2 primary sample(s) without a day: day 0, the diagnosis, is assumed",
            "1 sample(s) other than primaries left out: no day in a timeline",
            "1 TREATMENT event(s) repeat another; the later STOP_DATE is kept",
            "timeline: 1 event(s) not used: STATUS",
            "timeline: 1 event(s) not used: TREATMENT without START_DATE",
            "timeline: 1 event(s) not used: LAB_TEST without a number",
            "timeline: 1 event(s) not used: SPECIMEN that is not in the sample file, "
            "of unknown site",
            "1 patient(s) stand only in the sample file; added",
            "1 barcode(s) of data_mutations.txt are not in the cohort; left out",
            "further patient columns kept: GRADE, SMOKER, KI67",
        ):
            assert line in result.report
        assert any("DFS_MONTHS counts from the first treatment" in line for line in result.report)

    def test_provenance(self, study: Path):
        provenance = read_study(study).cohort.provenance
        assert provenance.parameters["cancer_study_identifier"] == "brca_test_2020"
        assert len(provenance.sources) == 6

    def test_folder_round_trip(self, study: Path, tmp_path: Path):
        cohort = read_study(study).cohort
        assert load_cohort(save_cohort(cohort, tmp_path / "c")).equals(cohort)


class TestSmallerStudies:
    def test_patients_of_timelines_only(self, tmp_path: Path):
        text = FILES["data_timeline_treatment.txt"] + "P-7|1||TREATMENT||Chemo|x\n"
        result = read_study(make(tmp_path / "s", data_timeline_treatment__txt=text))
        assert result.cohort.patients["patient_id"].to_list()[-1] == "P-7"
        assert "1 patient(s) stand only in the timelines; added" in result.report

    def test_sample_file_alone(self, tmp_path: Path):
        folder = tmp_path / "s"
        folder.mkdir()
        text = "PATIENT_ID|SAMPLE_ID|SAMPLE_TYPE|OS_MONTHS|OS_STATUS\nA|A1|Primary|2|0:LIVING\n"
        (folder / "data_clinical_sample.txt").write_text(text.replace("|", "\t"))
        cohort = read_study(folder).cohort
        assert cohort.patients.height == cohort.samples.height == cohort.follow_up.height == 1

    def test_file_names_from_meta_files(self, study: Path):
        (study / "data_clinical_patient.txt").rename(study / "patients.tsv")
        meta = study / "meta_clinical_patient.txt"
        meta.write_text(meta.read_text().replace("data_clinical_patient.txt", "patients.tsv"))
        assert read_study(study).cohort.patients["age"].to_list()[0] == 61.0
        (study / "patients.tsv").unlink()
        with pytest.raises(InputFileError, match=r"names the file 'patients\.tsv', which is not"):
            read_study(study)

    def test_codes_of_competing_events(self, tmp_path: Path):
        text = FILES["data_clinical_patient.txt"].replace("1:DECEASED", "2:DEAD OF OTHER CAUSES")
        cohort = read_study(make(tmp_path / "s", data_clinical_patient__txt=text)).cohort
        assert cohort.follow_up["event"].to_list()[0] == 2

    def test_endpoint_without_a_name_of_ours(self, tmp_path: Path):
        text = FILES["data_clinical_patient.txt"].replace("DFS_", "TTP_")
        cohort = read_study(make(tmp_path / "s", data_clinical_patient__txt=text)).cohort
        assert cohort.endpoints == ("overall_survival", "ttp")


class TestBadInput:
    def test_no_folder(self, study: Path):
        with pytest.raises(MissingFileError, match=r"did you mean 'study'"):
            read_study(study.with_name("studi"))
        with pytest.raises(InputFileError, match=r"is a file; a cBioPortal study is a folder"):
            read_study(study / "meta_study.txt")

    def test_no_sample_file(self, study: Path):
        (study / "data_clinical_sample.txt").rename(study / "data_clinical_sampel.txt")
        with pytest.raises(MissingFileError, match=r"did you mean 'data_clinical_sampel\.txt'"):
            read_study(study)

    def test_missing_columns(self, tmp_path: Path):
        text = FILES["data_clinical_sample.txt"].replace("SAMPLE_ID", "SAMPLE")
        with pytest.raises(InputFileError, match=r"'SAMPLE_ID'; did you mean 'SAMPLE'"):
            read_study(make(tmp_path / "s", data_clinical_sample__txt=text))
        text = FILES["data_timeline_labs.txt"].replace("START_DATE", "DAY")
        with pytest.raises(InputFileError, match=r"lacks the column\(s\) 'START_DATE'"):
            read_study(make(tmp_path / "t", data_timeline_labs__txt=text))

    def test_every_problem_at_once(self, tmp_path: Path):
        patients = FILES["data_clinical_patient.txt"]
        patients = patients.replace("|1:DECEASED", "|perhaps").replace("60.5", "five years")
        samples = FILES["data_clinical_sample.txt"]
        samples = samples.replace("P-2|P-2-L", "P-1|P-1-T").replace("P-3|P-3-X", "|P-3-X")
        specimens = FILES["data_timeline_specimen.txt"]
        specimens = specimens.replace("P-1|14||", "P-9|14||").replace("P-1|300", "P-1|2020-03-04")
        specimens += "|5||SPECIMEN|||\n"
        folder = make(
            tmp_path / "s",
            data_clinical_patient__txt=patients,
            data_clinical_sample__txt=samples,
            data_timeline_specimen__txt=specimens,
        )
        with pytest.raises(InputFileError, match=r"7 problems in the study folder 's'") as caught:
            read_study(folder)
        text = str(caught.value)
        assert "OS_STATUS: 1 row(s) hold 'perhaps'; allowed: '0:...'" in text
        assert "OS_MONTHS: 1 row(s) hold 'five years', which is no number" in text
        assert "SAMPLE_ID: 1 id(s) stand on more than one line, e.g. 'P-1-T'" in text
        assert "data_clinical_sample.txt.PATIENT_ID: 1 row(s) (line 10) are empty" in text
        assert "data_timeline_specimen.txt:2: 'P-1-T' is a sample of 'P-1', not of 'P-9'" in text
        assert "data_timeline_specimen.txt:3: START_DATE is no number of days" in text
        assert "data_timeline_specimen.txt:6: has no PATIENT_ID" in text
        assert "2020" not in text

    def test_sample_on_two_days(self, tmp_path: Path):
        text = FILES["data_timeline_specimen.txt"] + "P-1|15||SPECIMEN|P-1-T|Breast|tissue\n"
        with pytest.raises(InputFileError, match=r"'P-1-T' is taken on two days"):
            read_study(make(tmp_path / "s", data_timeline_specimen__txt=text))

    def test_follow_up_before_the_first_sample(self, tmp_path: Path):
        text = FILES["data_timeline_specimen.txt"] + "P-3|90||SPECIMEN||blood|blood\n"
        with pytest.raises(CohortError, match=r"ends \(day 30\.4375\) before their first sample"):
            read_study(make(tmp_path / "s", data_timeline_specimen__txt=text))

    def test_columns_that_differ_by_capitals(self, tmp_path: Path):
        text = FILES["data_clinical_sample.txt"].replace("|PURITY", "|sample_type")
        with pytest.raises(InputFileError, match=r"differ by capitals only"):
            read_study(make(tmp_path / "s", data_clinical_sample__txt=text))


class TestPrivacy:
    def test_identifying_columns_stay_behind(self, tmp_path: Path):
        text = FILES["data_clinical_patient.txt"]
        text = text.replace("GRADE|SMOKER|KI67", "PATIENT_DISPLAY_NAME|SEEN|PHONE")
        text = text.replace("G2|yes|0.5", "Ada|on 2020-03-04|030 1234567")
        text = text.replace("STRING|BOOLEAN|NUMBER", "STRING|STRING|STRING")
        result = read_study(make(tmp_path / "s", data_clinical_patient__txt=text))
        kept = set(result.cohort.patients.columns)
        assert not kept & {"PATIENT_DISPLAY_NAME", "SEEN", "PHONE"}
        name = "data_clinical_patient.txt: column"
        assert f"{name} PATIENT_DISPLAY_NAME looks like names; left behind" in result.report
        assert f"{name} SEEN looks like calendar dates; left behind" in result.report
        assert f"{name} PHONE looks like contact data; left behind" in result.report
        assert "2020" not in result.cohort.provenance.dumps().replace("brca_test_2020", "")

    def test_ids_that_are_persons(self, tmp_path: Path):
        text = FILES["data_clinical_sample.txt"].replace("P-4|", "ada@example.org|")
        with pytest.raises(PrivacyError, match=r"PATIENT_ID: looks like e-mail addresses"):
            read_study(make(tmp_path / "s", data_clinical_sample__txt=text))
