"""What the kind does with texts: forms and back, noise, judging, measuring, showing."""

import numpy as np
import pytest
import torch

from tests.training.kinds.text.made import strings, words
from training.kinds.text import convolutions, form, measures, view
from training.kinds.text.judge import Grams, Noise, exchanged
from training.kinds.text.text import Text
from training.kinds.text.units import END, learn

TEXTS = words(60, "abcde")
KIND = Text(learn(TEXTS, None), 8)
RAW = np.array([[*ids, *[END] * (8 - len(ids))] for ids in map(KIND.units.ids, TEXTS)], np.int32)


def test_decoding_is_the_inverse_of_encoding():
    encoded = KIND.encode(torch.from_numpy(RAW))
    assert tuple(encoded.shape[1:]) == KIND.form
    assert (encoded.sum(1) == 1).all()
    assert np.array_equal(KIND.decoder()(encoded).numpy(), RAW)
    assert np.array_equal(KIND.tokens.decoder()(KIND.tokens.encode(torch.from_numpy(RAW)), None).numpy(), RAW)


def test_nothing_follows_the_end_of_a_text():
    ids = torch.tensor([[1, 2, END, 3, 4, 1, 1, 1]])
    assert form.ended(ids).tolist() == [[1, 2, 0, 0, 0, 0, 0, 0]]


def test_a_head_chooses_by_one_number_a_position_as_often_as_is_probable():
    head = KIND.head().eval()
    assert head.draws == 8
    shares = torch.tensor([0.5, 0.3, 0.1, 0.05, 0.04, 0.01])
    output = shares.log()[None, :, None].expand(4000, 6, 8)
    chosen = head(output, 1 - torch.rand(4000, 8, generator=torch.Generator().manual_seed(0)))
    assert torch.allclose(chosen.mean((0, 2)), shares, atol=0.02)


def test_while_training_a_choice_has_the_gradient_of_its_probability():
    head = KIND.head().train()
    output = torch.zeros(1, *KIND.form, requires_grad=True)
    chosen = head(output, torch.full((1, 8), 0.5))
    assert torch.allclose(chosen, head.eval()(output, torch.full((1, 8), 0.5)), atol=1e-6)
    chosen[0, 2, 0].backward()
    expected = torch.full((6,), -1 / 36)
    expected[2] += 1 / 6
    assert torch.allclose(output.grad[0, :, 0], expected, atol=1e-6)


def test_the_error_of_a_text_is_that_of_what_stands_in_it_and_its_end():
    real = KIND.encode(torch.tensor([[1, 2, END, END, END, END, END, END], [1] * 8], dtype=torch.int32))
    even = torch.zeros(2, *KIND.form)
    assert KIND.head().surprise(even, real).flatten(1).sum(1).tolist() == pytest.approx(
        [3 * np.log(6), 8 * np.log(6)], rel=1e-5
    )


def test_noise_changes_some_characters_and_none_if_none_is_asked_for():
    torch.manual_seed(0)
    raw = torch.from_numpy(np.repeat(RAW, 20, 0))
    same = KIND.decoder()(Noise(len(KIND.units), 0.0).vary(raw)).numpy()
    assert np.array_equal(same, raw.numpy())
    noisy = strings(KIND, KIND.decoder()(Noise(len(KIND.units), 0.2).vary(raw)).numpy())
    plain = strings(KIND, raw.numpy())
    changed = np.mean([one != other for one, other in zip(noisy, plain, strict=True)])
    assert 0.3 < changed < 0.8
    assert abs(np.mean(list(map(len, noisy))) - np.mean(list(map(len, plain)))) < 0.3
    sizes = {len(one) - len(other) for one, other in zip(noisy, plain, strict=True)}
    assert {-1, 0, 1} <= sizes


def test_the_pretext_exchanges_neighbours_of_half_of_the_texts():
    encoded = KIND.encode(torch.tensor([[1, 2, 3, 4, 5, END, END, END]] * 2, dtype=torch.int32))
    changed, which = exchanged(encoded)
    assert which.tolist() == [0, 1]
    assert changed.argmax(1).tolist() == [[1, 2, 3, 4, 5, 0, 0, 0], [2, 1, 4, 3, 0, 5, 0, 0]]


def test_a_pupil_tells_classes_apart_also_of_those_that_it_has_not_seen():
    samples, labels = RAW, (RAW == 1).any(1).astype(np.int64) * 2
    pupil = Grams(KIND.units, 3, 0)
    pupil.fit(samples, labels, np.ones(len(labels)))
    found = pupil.predict_proba(samples)
    assert found.shape == (60, 3)
    assert np.allclose(found.sum(1), 1)
    assert (found.argmax(1) == labels).mean() > 0.9
    pupil.fit(samples, np.ones(60, np.int64))
    assert (pupil.predict_proba(samples).argmax(1) == 1).all()
    pupil.fit(np.zeros((4, 8), np.int32), np.array([0, 1, 0, 1]))


def test_a_network_is_a_pupil_too_and_the_same_each_time(monkeypatch):
    monkeypatch.setattr(convolutions, "_FEWEST", 40)
    samples, labels = RAW, (RAW == 1).any(1).astype(np.int64) * 2
    found = []
    for _ in range(2):
        pupil = KIND.pupils(3, 0)["small convolutional network"]
        pupil.fit(samples, labels)
        found.append(pupil.predict_proba(samples))
    assert found[0].shape == (60, 3)
    assert np.allclose(found[0].sum(1), 1)
    assert (found[0].argmax(1) == labels).mean() > 0.9
    assert np.array_equal(found[0], found[1])


def test_of_texts_with_two_labels_a_network_heeds_the_weights(monkeypatch):
    monkeypatch.setattr(convolutions, "_FEWEST", 40)
    samples, labels = np.concatenate([RAW, RAW]), np.repeat([0, 1], len(RAW))  # each text has both
    first = []
    for weights in (None, np.where(labels, 0.2, 1.0), np.where(labels, 1.0, 0.2)):
        pupil = KIND.pupils(2, 0)["small convolutional network"]
        pupil.fit(samples, labels, weights)
        first.append(float(pupil.predict_proba(RAW)[:, 0].mean()))
    assert first[2] < first[0] < first[1]  # 1/6, 1/2 and 5/6, were it trained to the end


def test_equal_texts_are_near_and_others_are_not():
    vectors = KIND.compact(RAW)
    assert vectors.dtype == np.float32
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    equal = np.array(TEXTS)[:, None] == np.array(TEXTS)[None]
    assert (distances[equal] == 0).all()
    assert (distances[~equal] > 0).all()
    assert KIND.compact(RAW, coarse=True).shape[1] < vectors.shape[1]
    assert np.isfinite(KIND.compact(np.zeros((2, 8), np.int32))).all()


def test_divergence_is_none_of_the_same_texts_and_whole_of_others():
    first, second = measures.grams(["ab", "ab"], 2), measures.grams(["xy"], 2)
    assert measures.divergence(first, measures.grams(["ab"], 2)) == 0
    assert measures.divergence(first, second) == 1
    half = measures.divergence(measures.grams(["ab"], 2), measures.grams(["ab", "xy"], 2))
    assert half == pytest.approx(0.5 * (1 * np.log2(1 / 0.75)) + 0.5 * (0.5 * np.log2(0.5 / 0.75) + 0.5))


def test_what_is_measured_stands_beside_the_same_of_held_out_texts():
    found = {each.name: each for each in KIND.measurements(RAW[:20], RAW[20:40], RAW)}
    assert list(found) == [
        "divergence of characters",
        *(f"divergence of {size}-grams" for size in (2, 3, 4)),
        *("distinct 2-grams", "distinct 3-grams", "exact copies of training texts"),
    ]
    assert found["exact copies of training texts"].value == 1
    assert 0 < found["divergence of 3-grams"].value < 1
    assert found["divergence of 3-grams"].real is not None


def test_texts_are_shown_escaped():
    picture = view.lines(["<script>alert(1)</script>", "a\nb\x1b[31m", "שלום", ""])
    page = picture.content.decode()
    assert picture.media_type == "text/html"
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "a\\u000ab\\u001b[31m" in page
    sheet = view.sheet([["x"], ["y"]], ["<b>", "c"], 4, "<run>").content.decode()
    assert "<b>" not in sheet
    assert "<run>" not in sheet
    assert "&lt;b&gt;" in sheet


def test_an_exhibit_has_a_curve_for_each_length_of_run():
    (shown,) = KIND.exhibits(RAW[:30], RAW[30:])
    page = shown.picture.content.decode()
    assert page.count("<svg") == 4
    assert page.count("<polyline") == 8
    assert "nan" not in page
    assert KIND.exhibits(RAW[:0], RAW) == ()


def test_scarce_classes_become_as_large_by_mistyped_copies():
    labels = np.array([0] * 50 + [2] * 10)
    resampler, *_ = KIND.resamplers()["character noise"]
    samples, found = resampler.resample(RAW, labels, 3)
    assert np.bincount(found).tolist() == [50, 0, 50]
    assert np.array_equal(samples[:60], RAW)
    own = set(strings(KIND, RAW[50:]))
    # Of several seeds: of one, 38 of 40 short texts may come out as they were.
    made = [text for seed in range(8) for text in strings(KIND, resampler.resample(RAW, labels, seed)[0][60:])]
    assert 0.2 < np.mean([text in own for text in made]) < 0.95
    again, _ = resampler.resample(RAW, labels, 3)
    assert np.array_equal(again, samples)
    assert str(resampler) == "character noise 0.05"


def test_classes_of_one_size_may_be_made_larger_by_mistyped_copies():
    """Or there would be no noise to compare with where a study takes so many of each class."""
    each = {str(way): way for way in KIND.resamplers()["character noise"]}
    assert [way.evens for way in each.values()] == [True, True, False, False]
    labels = np.arange(60) % 2
    _, found = each["character noise 0.05, 4 of each text"].resample(RAW, labels, 3)
    assert np.bincount(found).tolist() == [120, 120]
    _, found = each["character noise 0.05"].resample(RAW, labels, 3)
    assert np.bincount(found).tolist() == [30, 30]


def test_two_texts_beside_each_other_show_what_they_share():
    made, real = RAW[0], RAW[1]
    page = KIND.beside(made, real).content.decode()
    assert "synthetic" in page
    page = view.beside("Ann <b>", "Anna").content.decode()
    assert "<mark>Ann</mark>" in page
    assert "&lt;b&gt;" in page
    assert view.beside("xy", "xy").content.decode().count("<mark>xy</mark>") == 2
