"""The four networks of the method: denoising U-Net, sketch encoder, VAE and CLIP."""
