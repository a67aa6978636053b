"""What a latent holds: how much of it is used, what can be predicted from it, and how its numbers match causes."""
