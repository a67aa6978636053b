"""A trained model at work: new images, export, and which file becomes which."""
