from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GeneratorState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GENERATOR_STATE_UNSPECIFIED: _ClassVar[GeneratorState]
    GENERATOR_STATE_LOADING: _ClassVar[GeneratorState]
    GENERATOR_STATE_READY: _ClassVar[GeneratorState]
    GENERATOR_STATE_FAILED: _ClassVar[GeneratorState]
    GENERATOR_STATE_RETIRING: _ClassVar[GeneratorState]

class DataType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATA_TYPE_UNSPECIFIED: _ClassVar[DataType]
    DATA_TYPE_UINT8: _ClassVar[DataType]
    DATA_TYPE_INT16: _ClassVar[DataType]
    DATA_TYPE_INT32: _ClassVar[DataType]
    DATA_TYPE_INT64: _ClassVar[DataType]
    DATA_TYPE_FLOAT32: _ClassVar[DataType]

class ColorSpace(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLOR_SPACE_UNSPECIFIED: _ClassVar[ColorSpace]
    COLOR_SPACE_GRAY: _ClassVar[ColorSpace]
    COLOR_SPACE_RGB: _ClassVar[ColorSpace]

class ColumnUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLUMN_UNIT_UNSPECIFIED: _ClassVar[ColumnUnit]
    COLUMN_UNIT_DAYS: _ClassVar[ColumnUnit]
    COLUMN_UNIT_TRUTH: _ClassVar[ColumnUnit]

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_PASS: _ClassVar[Verdict]
    VERDICT_PASS_WITH_WARNINGS: _ClassVar[Verdict]
    VERDICT_WITHHELD: _ClassVar[Verdict]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_NOTE: _ClassVar[Severity]
    SEVERITY_WARNING: _ClassVar[Severity]
    SEVERITY_FAILURE: _ClassVar[Severity]
GENERATOR_STATE_UNSPECIFIED: GeneratorState
GENERATOR_STATE_LOADING: GeneratorState
GENERATOR_STATE_READY: GeneratorState
GENERATOR_STATE_FAILED: GeneratorState
GENERATOR_STATE_RETIRING: GeneratorState
DATA_TYPE_UNSPECIFIED: DataType
DATA_TYPE_UINT8: DataType
DATA_TYPE_INT16: DataType
DATA_TYPE_INT32: DataType
DATA_TYPE_INT64: DataType
DATA_TYPE_FLOAT32: DataType
COLOR_SPACE_UNSPECIFIED: ColorSpace
COLOR_SPACE_GRAY: ColorSpace
COLOR_SPACE_RGB: ColorSpace
COLUMN_UNIT_UNSPECIFIED: ColumnUnit
COLUMN_UNIT_DAYS: ColumnUnit
COLUMN_UNIT_TRUTH: ColumnUnit
VERDICT_UNSPECIFIED: Verdict
VERDICT_PASS: Verdict
VERDICT_PASS_WITH_WARNINGS: Verdict
VERDICT_WITHHELD: Verdict
SEVERITY_UNSPECIFIED: Severity
SEVERITY_NOTE: Severity
SEVERITY_WARNING: Severity
SEVERITY_FAILURE: Severity

class GenerateRequest(_message.Message):
    __slots__ = ("generator", "version", "digest", "label", "class_indices", "n", "seed", "start_index", "truncation", "indices", "keep", "of", "channel")
    GENERATOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CLASS_INDICES_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    START_INDEX_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    generator: str
    version: int
    digest: str
    label: str
    class_indices: _containers.RepeatedScalarFieldContainer[int]
    n: int
    seed: int
    start_index: int
    truncation: float
    indices: _containers.RepeatedScalarFieldContainer[int]
    keep: int
    of: int
    channel: str
    def __init__(self, generator: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[str] = ..., label: _Optional[str] = ..., class_indices: _Optional[_Iterable[int]] = ..., n: _Optional[int] = ..., seed: _Optional[int] = ..., start_index: _Optional[int] = ..., truncation: _Optional[float] = ..., indices: _Optional[_Iterable[int]] = ..., keep: _Optional[int] = ..., of: _Optional[int] = ..., channel: _Optional[str] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("data", "class_indices", "seed", "start_index", "generator", "version", "digest", "truncation", "indices", "keep", "of")
    DATA_FIELD_NUMBER: _ClassVar[int]
    CLASS_INDICES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    START_INDEX_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    class_indices: _containers.RepeatedScalarFieldContainer[int]
    seed: int
    start_index: int
    generator: str
    version: int
    digest: str
    truncation: float
    indices: _containers.RepeatedScalarFieldContainer[int]
    keep: int
    of: int
    def __init__(self, data: _Optional[bytes] = ..., class_indices: _Optional[_Iterable[int]] = ..., seed: _Optional[int] = ..., start_index: _Optional[int] = ..., generator: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[str] = ..., truncation: _Optional[float] = ..., indices: _Optional[_Iterable[int]] = ..., keep: _Optional[int] = ..., of: _Optional[int] = ...) -> None: ...

class TransformRequest(_message.Message):
    __slots__ = ("generator", "version", "digest", "channel", "data", "label", "class_indices", "source_label", "source_class_indices", "strength")
    GENERATOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CLASS_INDICES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_LABEL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_CLASS_INDICES_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    generator: str
    version: int
    digest: str
    channel: str
    data: bytes
    label: str
    class_indices: _containers.RepeatedScalarFieldContainer[int]
    source_label: str
    source_class_indices: _containers.RepeatedScalarFieldContainer[int]
    strength: float
    def __init__(self, generator: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[str] = ..., channel: _Optional[str] = ..., data: _Optional[bytes] = ..., label: _Optional[str] = ..., class_indices: _Optional[_Iterable[int]] = ..., source_label: _Optional[str] = ..., source_class_indices: _Optional[_Iterable[int]] = ..., strength: _Optional[float] = ...) -> None: ...

class TransformResponse(_message.Message):
    __slots__ = ("data", "class_indices", "source_class_indices", "generator", "version", "digest", "strength")
    DATA_FIELD_NUMBER: _ClassVar[int]
    CLASS_INDICES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_CLASS_INDICES_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    class_indices: _containers.RepeatedScalarFieldContainer[int]
    source_class_indices: _containers.RepeatedScalarFieldContainer[int]
    generator: str
    version: int
    digest: str
    strength: float
    def __init__(self, data: _Optional[bytes] = ..., class_indices: _Optional[_Iterable[int]] = ..., source_class_indices: _Optional[_Iterable[int]] = ..., generator: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[str] = ..., strength: _Optional[float] = ...) -> None: ...

class ListGeneratorsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListGeneratorsResponse(_message.Message):
    __slots__ = ("generators",)
    GENERATORS_FIELD_NUMBER: _ClassVar[int]
    generators: _containers.RepeatedCompositeFieldContainer[GeneratorStatus]
    def __init__(self, generators: _Optional[_Iterable[_Union[GeneratorStatus, _Mapping]]] = ...) -> None: ...

class GetGeneratorRequest(_message.Message):
    __slots__ = ("generator", "version", "channel")
    GENERATOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    generator: str
    version: int
    channel: str
    def __init__(self, generator: _Optional[str] = ..., version: _Optional[int] = ..., channel: _Optional[str] = ...) -> None: ...

class GetGeneratorResponse(_message.Message):
    __slots__ = ("generator", "status", "limits")
    GENERATOR_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    generator: Generator
    status: GeneratorStatus
    limits: Limits
    def __init__(self, generator: _Optional[_Union[Generator, _Mapping]] = ..., status: _Optional[_Union[GeneratorStatus, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ...) -> None: ...

class GeneratorStatus(_message.Message):
    __slots__ = ("name", "version", "digest", "state", "reason", "is_default", "labels", "capacity_samples_per_second", "channels")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_SAMPLES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    digest: str
    state: GeneratorState
    reason: str
    is_default: bool
    labels: _containers.RepeatedScalarFieldContainer[str]
    capacity_samples_per_second: float
    channels: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[str] = ..., state: _Optional[_Union[GeneratorState, str]] = ..., reason: _Optional[str] = ..., is_default: bool = ..., labels: _Optional[_Iterable[str]] = ..., capacity_samples_per_second: _Optional[float] = ..., channels: _Optional[_Iterable[str]] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_samples", "preferred_page_samples")
    MAX_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    PREFERRED_PAGE_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    max_samples: int
    preferred_page_samples: int
    def __init__(self, max_samples: _Optional[int] = ..., preferred_page_samples: _Optional[int] = ...) -> None: ...

class Generator(_message.Message):
    __slots__ = ("name", "version", "labels", "sample", "latent_size", "provenance", "quality", "golden", "scored", "transforms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    LATENT_SIZE_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    GOLDEN_FIELD_NUMBER: _ClassVar[int]
    SCORED_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    labels: _containers.RepeatedScalarFieldContainer[str]
    sample: SampleSpec
    latent_size: int
    provenance: Provenance
    quality: QualityCard
    golden: _containers.RepeatedCompositeFieldContainer[GoldenSample]
    scored: bool
    transforms: bool
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., labels: _Optional[_Iterable[str]] = ..., sample: _Optional[_Union[SampleSpec, _Mapping]] = ..., latent_size: _Optional[int] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ..., quality: _Optional[_Union[QualityCard, _Mapping]] = ..., golden: _Optional[_Iterable[_Union[GoldenSample, _Mapping]]] = ..., scored: bool = ..., transforms: bool = ...) -> None: ...

class SampleSpec(_message.Message):
    __slots__ = ("shape", "dtype", "image", "audio", "music", "text", "table")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    MUSIC_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    dtype: DataType
    image: ImageSpec
    audio: AudioSpec
    music: MusicSpec
    text: TextSpec
    table: TableSpec
    def __init__(self, shape: _Optional[_Iterable[int]] = ..., dtype: _Optional[_Union[DataType, str]] = ..., image: _Optional[_Union[ImageSpec, _Mapping]] = ..., audio: _Optional[_Union[AudioSpec, _Mapping]] = ..., music: _Optional[_Union[MusicSpec, _Mapping]] = ..., text: _Optional[_Union[TextSpec, _Mapping]] = ..., table: _Optional[_Union[TableSpec, _Mapping]] = ...) -> None: ...

class ImageSpec(_message.Message):
    __slots__ = ("color_space",)
    COLOR_SPACE_FIELD_NUMBER: _ClassVar[int]
    color_space: ColorSpace
    def __init__(self, color_space: _Optional[_Union[ColorSpace, str]] = ...) -> None: ...

class AudioSpec(_message.Message):
    __slots__ = ("sample_rate_hz",)
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    sample_rate_hz: int
    def __init__(self, sample_rate_hz: _Optional[int] = ...) -> None: ...

class MusicSpec(_message.Message):
    __slots__ = ("steps_per_quarter", "lowest_pitch", "programs", "tempos", "metres", "held_velocity")
    STEPS_PER_QUARTER_FIELD_NUMBER: _ClassVar[int]
    LOWEST_PITCH_FIELD_NUMBER: _ClassVar[int]
    PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    TEMPOS_FIELD_NUMBER: _ClassVar[int]
    METRES_FIELD_NUMBER: _ClassVar[int]
    HELD_VELOCITY_FIELD_NUMBER: _ClassVar[int]
    steps_per_quarter: int
    lowest_pitch: int
    programs: _containers.RepeatedScalarFieldContainer[int]
    tempos: _containers.RepeatedScalarFieldContainer[float]
    metres: _containers.RepeatedCompositeFieldContainer[Metre]
    held_velocity: int
    def __init__(self, steps_per_quarter: _Optional[int] = ..., lowest_pitch: _Optional[int] = ..., programs: _Optional[_Iterable[int]] = ..., tempos: _Optional[_Iterable[float]] = ..., metres: _Optional[_Iterable[_Union[Metre, _Mapping]]] = ..., held_velocity: _Optional[int] = ...) -> None: ...

class Metre(_message.Message):
    __slots__ = ("beats", "unit")
    BEATS_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    beats: int
    unit: int
    def __init__(self, beats: _Optional[int] = ..., unit: _Optional[int] = ...) -> None: ...

class TextSpec(_message.Message):
    __slots__ = ("vocabulary", "end_id")
    VOCABULARY_FIELD_NUMBER: _ClassVar[int]
    END_ID_FIELD_NUMBER: _ClassVar[int]
    vocabulary: _containers.RepeatedScalarFieldContainer[str]
    end_id: int
    def __init__(self, vocabulary: _Optional[_Iterable[str]] = ..., end_id: _Optional[int] = ...) -> None: ...

class TableSpec(_message.Message):
    __slots__ = ("columns", "label")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[ColumnSpec]
    label: str
    def __init__(self, columns: _Optional[_Iterable[_Union[ColumnSpec, _Mapping]]] = ..., label: _Optional[str] = ...) -> None: ...

class ColumnSpec(_message.Message):
    __slots__ = ("name", "categories", "integer", "missing", "minimum", "maximum", "offset", "decimals", "unit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DECIMALS_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    categories: _containers.RepeatedScalarFieldContainer[str]
    integer: bool
    missing: bool
    minimum: float
    maximum: float
    offset: float
    decimals: int
    unit: ColumnUnit
    def __init__(self, name: _Optional[str] = ..., categories: _Optional[_Iterable[str]] = ..., integer: bool = ..., missing: bool = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., offset: _Optional[float] = ..., decimals: _Optional[int] = ..., unit: _Optional[_Union[ColumnUnit, str]] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("preset", "configuration_json", "data_name", "data_digest", "splits", "seed", "steps", "samples_seen", "training_seconds", "libraries", "code_revision", "created_at", "opset")
    class LibrariesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PRESET_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_JSON_FIELD_NUMBER: _ClassVar[int]
    DATA_NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SPLITS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_SEEN_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LIBRARIES_FIELD_NUMBER: _ClassVar[int]
    CODE_REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    OPSET_FIELD_NUMBER: _ClassVar[int]
    preset: str
    configuration_json: str
    data_name: str
    data_digest: str
    splits: _containers.RepeatedCompositeFieldContainer[SplitCounts]
    seed: int
    steps: int
    samples_seen: int
    training_seconds: float
    libraries: _containers.ScalarMap[str, str]
    code_revision: str
    created_at: str
    opset: int
    def __init__(self, preset: _Optional[str] = ..., configuration_json: _Optional[str] = ..., data_name: _Optional[str] = ..., data_digest: _Optional[str] = ..., splits: _Optional[_Iterable[_Union[SplitCounts, _Mapping]]] = ..., seed: _Optional[int] = ..., steps: _Optional[int] = ..., samples_seen: _Optional[int] = ..., training_seconds: _Optional[float] = ..., libraries: _Optional[_Mapping[str, str]] = ..., code_revision: _Optional[str] = ..., created_at: _Optional[str] = ..., opset: _Optional[int] = ...) -> None: ...

class SplitCounts(_message.Message):
    __slots__ = ("split", "counts", "digest")
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    split: str
    counts: _containers.RepeatedScalarFieldContainer[int]
    digest: str
    def __init__(self, split: _Optional[str] = ..., counts: _Optional[_Iterable[int]] = ..., digest: _Optional[str] = ...) -> None: ...

class QualityCard(_message.Message):
    __slots__ = ("real_samples", "synthetic_samples", "real_accuracy", "classification_accuracy_score", "label_fidelity", "frechet_distance", "frechet_distance_floor", "kernel_distance", "kernel_distance_floor", "density", "coverage", "coverage_ceiling", "classes", "feature_digest", "warnings", "verdict", "reasons", "findings", "memorisation", "gains", "recommendation", "score_repeats", "classification_accuracy_score_low", "classification_accuracy_score_high", "measurements", "membership_inference", "transform")
    REAL_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    REAL_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_ACCURACY_SCORE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIDELITY_FIELD_NUMBER: _ClassVar[int]
    FRECHET_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    FRECHET_DISTANCE_FLOOR_FIELD_NUMBER: _ClassVar[int]
    KERNEL_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    KERNEL_DISTANCE_FLOOR_FIELD_NUMBER: _ClassVar[int]
    DENSITY_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_CEILING_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    FEATURE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    MEMORISATION_FIELD_NUMBER: _ClassVar[int]
    GAINS_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_FIELD_NUMBER: _ClassVar[int]
    SCORE_REPEATS_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_ACCURACY_SCORE_LOW_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_ACCURACY_SCORE_HIGH_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENTS_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_INFERENCE_FIELD_NUMBER: _ClassVar[int]
    TRANSFORM_FIELD_NUMBER: _ClassVar[int]
    real_samples: int
    synthetic_samples: int
    real_accuracy: float
    classification_accuracy_score: float
    label_fidelity: float
    frechet_distance: float
    frechet_distance_floor: float
    kernel_distance: float
    kernel_distance_floor: float
    density: float
    coverage: float
    coverage_ceiling: float
    classes: _containers.RepeatedCompositeFieldContainer[ClassQuality]
    feature_digest: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    verdict: Verdict
    reasons: _containers.RepeatedScalarFieldContainer[str]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    memorisation: Memorisation
    gains: _containers.RepeatedCompositeFieldContainer[AugmentationGain]
    recommendation: Recommendation
    score_repeats: int
    classification_accuracy_score_low: float
    classification_accuracy_score_high: float
    measurements: _containers.RepeatedCompositeFieldContainer[Measurement]
    membership_inference: MembershipInference
    transform: TransformQuality
    def __init__(self, real_samples: _Optional[int] = ..., synthetic_samples: _Optional[int] = ..., real_accuracy: _Optional[float] = ..., classification_accuracy_score: _Optional[float] = ..., label_fidelity: _Optional[float] = ..., frechet_distance: _Optional[float] = ..., frechet_distance_floor: _Optional[float] = ..., kernel_distance: _Optional[float] = ..., kernel_distance_floor: _Optional[float] = ..., density: _Optional[float] = ..., coverage: _Optional[float] = ..., coverage_ceiling: _Optional[float] = ..., classes: _Optional[_Iterable[_Union[ClassQuality, _Mapping]]] = ..., feature_digest: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., reasons: _Optional[_Iterable[str]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., memorisation: _Optional[_Union[Memorisation, _Mapping]] = ..., gains: _Optional[_Iterable[_Union[AugmentationGain, _Mapping]]] = ..., recommendation: _Optional[_Union[Recommendation, _Mapping]] = ..., score_repeats: _Optional[int] = ..., classification_accuracy_score_low: _Optional[float] = ..., classification_accuracy_score_high: _Optional[float] = ..., measurements: _Optional[_Iterable[_Union[Measurement, _Mapping]]] = ..., membership_inference: _Optional[_Union[MembershipInference, _Mapping]] = ..., transform: _Optional[_Union[TransformQuality, _Mapping]] = ...) -> None: ...

class TransformQuality(_message.Message):
    __slots__ = ("samples", "recognised", "kept", "reconstruction_error", "classes")
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    RECOGNISED_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    RECONSTRUCTION_ERROR_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    samples: int
    recognised: float
    kept: _containers.RepeatedCompositeFieldContainer[KeptProperty]
    reconstruction_error: float
    classes: _containers.RepeatedCompositeFieldContainer[TransformedClass]
    def __init__(self, samples: _Optional[int] = ..., recognised: _Optional[float] = ..., kept: _Optional[_Iterable[_Union[KeptProperty, _Mapping]]] = ..., reconstruction_error: _Optional[float] = ..., classes: _Optional[_Iterable[_Union[TransformedClass, _Mapping]]] = ...) -> None: ...

class KeptProperty(_message.Message):
    __slots__ = ("name", "correlation", "fresh")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_FIELD_NUMBER: _ClassVar[int]
    FRESH_FIELD_NUMBER: _ClassVar[int]
    name: str
    correlation: float
    fresh: float
    def __init__(self, name: _Optional[str] = ..., correlation: _Optional[float] = ..., fresh: _Optional[float] = ...) -> None: ...

class TransformedClass(_message.Message):
    __slots__ = ("label", "recognised", "coverage", "samples")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    RECOGNISED_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    label: str
    recognised: float
    coverage: float
    samples: int
    def __init__(self, label: _Optional[str] = ..., recognised: _Optional[float] = ..., coverage: _Optional[float] = ..., samples: _Optional[int] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("kind", "severity", "label", "value", "threshold", "text", "advice")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    severity: Severity
    label: str
    value: float
    threshold: float
    text: str
    advice: str
    def __init__(self, kind: _Optional[str] = ..., severity: _Optional[_Union[Severity, str]] = ..., label: _Optional[str] = ..., value: _Optional[float] = ..., threshold: _Optional[float] = ..., text: _Optional[str] = ..., advice: _Optional[str] = ...) -> None: ...

class Measurement(_message.Message):
    __slots__ = ("name", "value", "real", "detail")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REAL_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    real: float
    detail: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., real: _Optional[float] = ..., detail: _Optional[str] = ...) -> None: ...

class MembershipInference(_message.Message):
    __slots__ = ("auc", "low", "high", "train_samples", "held_out_samples", "synthetic_samples")
    AUC_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    TRAIN_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    auc: float
    low: float
    high: float
    train_samples: int
    held_out_samples: int
    synthetic_samples: int
    def __init__(self, auc: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., train_samples: _Optional[int] = ..., held_out_samples: _Optional[int] = ..., synthetic_samples: _Optional[int] = ...) -> None: ...

class Memorisation(_message.Message):
    __slots__ = ("share", "percentile", "distance_ratio", "nearer_share", "exact_copies", "samples", "nearer_deviations", "nearer_low", "nearer_high", "train_samples", "held_out_samples", "held_out_exact_share")
    SHARE_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_RATIO_FIELD_NUMBER: _ClassVar[int]
    NEARER_SHARE_FIELD_NUMBER: _ClassVar[int]
    EXACT_COPIES_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    NEARER_DEVIATIONS_FIELD_NUMBER: _ClassVar[int]
    NEARER_LOW_FIELD_NUMBER: _ClassVar[int]
    NEARER_HIGH_FIELD_NUMBER: _ClassVar[int]
    TRAIN_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_EXACT_SHARE_FIELD_NUMBER: _ClassVar[int]
    share: float
    percentile: float
    distance_ratio: float
    nearer_share: float
    exact_copies: int
    samples: int
    nearer_deviations: float
    nearer_low: float
    nearer_high: float
    train_samples: int
    held_out_samples: int
    held_out_exact_share: float
    def __init__(self, share: _Optional[float] = ..., percentile: _Optional[float] = ..., distance_ratio: _Optional[float] = ..., nearer_share: _Optional[float] = ..., exact_copies: _Optional[int] = ..., samples: _Optional[int] = ..., nearer_deviations: _Optional[float] = ..., nearer_low: _Optional[float] = ..., nearer_high: _Optional[float] = ..., train_samples: _Optional[int] = ..., held_out_samples: _Optional[int] = ..., held_out_exact_share: _Optional[float] = ...) -> None: ...

class AugmentationGain(_message.Message):
    __slots__ = ("scenario", "baseline", "baseline_score", "synthetic_score", "gain", "gain_low", "gain_high", "repeats", "arms", "real_samples", "generator_samples", "classifier", "others")
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    BASELINE_SCORE_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_SCORE_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    GAIN_LOW_FIELD_NUMBER: _ClassVar[int]
    GAIN_HIGH_FIELD_NUMBER: _ClassVar[int]
    REPEATS_FIELD_NUMBER: _ClassVar[int]
    ARMS_FIELD_NUMBER: _ClassVar[int]
    REAL_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    scenario: str
    baseline: str
    baseline_score: float
    synthetic_score: float
    gain: float
    gain_low: float
    gain_high: float
    repeats: int
    arms: _containers.RepeatedCompositeFieldContainer[Arm]
    real_samples: int
    generator_samples: int
    classifier: str
    others: _containers.RepeatedCompositeFieldContainer[MeasuredGain]
    def __init__(self, scenario: _Optional[str] = ..., baseline: _Optional[str] = ..., baseline_score: _Optional[float] = ..., synthetic_score: _Optional[float] = ..., gain: _Optional[float] = ..., gain_low: _Optional[float] = ..., gain_high: _Optional[float] = ..., repeats: _Optional[int] = ..., arms: _Optional[_Iterable[_Union[Arm, _Mapping]]] = ..., real_samples: _Optional[int] = ..., generator_samples: _Optional[int] = ..., classifier: _Optional[str] = ..., others: _Optional[_Iterable[_Union[MeasuredGain, _Mapping]]] = ...) -> None: ...

class MeasuredGain(_message.Message):
    __slots__ = ("measure", "baseline", "baseline_score", "synthetic_score", "gain", "gain_low", "gain_high")
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    BASELINE_SCORE_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_SCORE_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    GAIN_LOW_FIELD_NUMBER: _ClassVar[int]
    GAIN_HIGH_FIELD_NUMBER: _ClassVar[int]
    measure: str
    baseline: str
    baseline_score: float
    synthetic_score: float
    gain: float
    gain_low: float
    gain_high: float
    def __init__(self, measure: _Optional[str] = ..., baseline: _Optional[str] = ..., baseline_score: _Optional[float] = ..., synthetic_score: _Optional[float] = ..., gain: _Optional[float] = ..., gain_low: _Optional[float] = ..., gain_high: _Optional[float] = ...) -> None: ...

class Arm(_message.Message):
    __slots__ = ("name", "score", "low", "high", "others")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    score: float
    low: float
    high: float
    others: _containers.RepeatedCompositeFieldContainer[Score]
    def __init__(self, name: _Optional[str] = ..., score: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., others: _Optional[_Iterable[_Union[Score, _Mapping]]] = ...) -> None: ...

class Score(_message.Message):
    __slots__ = ("measure", "score", "low", "high")
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    measure: str
    score: float
    low: float
    high: float
    def __init__(self, measure: _Optional[str] = ..., score: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class Recommendation(_message.Message):
    __slots__ = ("truncation", "keep", "of", "synthetic_per_real", "scenario", "transformed")
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_PER_REAL_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMED_FIELD_NUMBER: _ClassVar[int]
    truncation: float
    keep: int
    of: int
    synthetic_per_real: float
    scenario: str
    transformed: bool
    def __init__(self, truncation: _Optional[float] = ..., keep: _Optional[int] = ..., of: _Optional[int] = ..., synthetic_per_real: _Optional[float] = ..., scenario: _Optional[str] = ..., transformed: bool = ...) -> None: ...

class ClassQuality(_message.Message):
    __slots__ = ("label", "real_samples", "real_accuracy", "classification_accuracy_score", "label_fidelity", "spread_ratio", "verdict", "recommendation", "memorisation", "spread_ratio_low", "spread_ratio_high", "coverage", "coverage_ceiling", "coverage_low", "coverage_high", "coverage_samples", "synthetic_samples")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    REAL_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    REAL_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_ACCURACY_SCORE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIDELITY_FIELD_NUMBER: _ClassVar[int]
    SPREAD_RATIO_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_FIELD_NUMBER: _ClassVar[int]
    MEMORISATION_FIELD_NUMBER: _ClassVar[int]
    SPREAD_RATIO_LOW_FIELD_NUMBER: _ClassVar[int]
    SPREAD_RATIO_HIGH_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_CEILING_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_LOW_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_HIGH_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    label: str
    real_samples: int
    real_accuracy: float
    classification_accuracy_score: float
    label_fidelity: float
    spread_ratio: float
    verdict: Verdict
    recommendation: Recommendation
    memorisation: Memorisation
    spread_ratio_low: float
    spread_ratio_high: float
    coverage: float
    coverage_ceiling: float
    coverage_low: float
    coverage_high: float
    coverage_samples: int
    synthetic_samples: int
    def __init__(self, label: _Optional[str] = ..., real_samples: _Optional[int] = ..., real_accuracy: _Optional[float] = ..., classification_accuracy_score: _Optional[float] = ..., label_fidelity: _Optional[float] = ..., spread_ratio: _Optional[float] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., recommendation: _Optional[_Union[Recommendation, _Mapping]] = ..., memorisation: _Optional[_Union[Memorisation, _Mapping]] = ..., spread_ratio_low: _Optional[float] = ..., spread_ratio_high: _Optional[float] = ..., coverage: _Optional[float] = ..., coverage_ceiling: _Optional[float] = ..., coverage_low: _Optional[float] = ..., coverage_high: _Optional[float] = ..., coverage_samples: _Optional[int] = ..., synthetic_samples: _Optional[int] = ...) -> None: ...

class GoldenSample(_message.Message):
    __slots__ = ("seed", "index", "class_index", "truncation", "data", "transformed")
    SEED_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    CLASS_INDEX_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMED_FIELD_NUMBER: _ClassVar[int]
    seed: int
    index: int
    class_index: int
    truncation: float
    data: bytes
    transformed: bytes
    def __init__(self, seed: _Optional[int] = ..., index: _Optional[int] = ..., class_index: _Optional[int] = ..., truncation: _Optional[float] = ..., data: _Optional[bytes] = ..., transformed: _Optional[bytes] = ...) -> None: ...
