"""What scikit-learn expects of an estimator that is used too early."""

from sklearn.exceptions import NotFittedError

from brainsim.error import InputError


class NotFitted(InputError, NotFittedError):  # type: ignore[misc]
    """An estimator was used before `fit`."""


def check_fitted(estimator: object, attribute: str) -> None:
    """Refuse an estimator that has not been fitted.

    Parameters
    ----------
    estimator
        A :class:`~brainsim.network.SpikingNetwork` or :class:`~brainsim.gan.ConditionalGAN`.
    attribute
        What `fit` gives it.

    Raises
    ------
    NotFitted
        An :class:`~brainsim.error.InputError`, and scikit-learn's ``NotFittedError``.
    """
    if getattr(estimator, attribute, None) is None:
        raise NotFitted("nothing was fitted yet", remedy="call fit(recording) first")
