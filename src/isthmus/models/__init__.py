"""The autoencoder and the sorts of part it is built of: x -> corrupt -> encode -> bottleneck -> decode -> x_hat."""
