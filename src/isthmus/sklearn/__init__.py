"""scikit-learn's interface: `from isthmus.sklearn import ImageAutoencoder`."""

from isthmus.sklearn.image_autoencoder import ImageAutoencoder

__all__ = ["ImageAutoencoder"]
