import pytest

from training.kinds.image import Image
from training.kinds.image.judge import reach
from training.study import arms


@pytest.mark.parametrize(("side", "trials"), [(8, 4), (14, 6), (28, 6), (64, 6)])
def test_every_trial_of_standard_augmentation_varies_images_in_another_way(side, trials):
    ways = {
        (reach(side, trial.recipe.shift), trial.recipe.flip, trial.recipe.contrast)
        for trial in arms.standard(Image(side, side, 1))
    }
    assert len(ways) == len(arms.standard(Image(side, side, 1))) == trials


def test_a_published_generator_may_carry_more_of_a_batch():
    best = arms.unvaried(Image(8, 8, 1))
    own, published = arms.raw(best), arms.raw(best, published=True)
    assert max(trial.share for trial in own) < max(trial.share for trial in published)
    assert {str(trial) for trial in own}.isdisjoint(map(str, published))
    assert len(published) <= 8
