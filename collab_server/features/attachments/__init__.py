"""Files of documents: uploads, downloads, thumbnails, and the objects that hold their bytes."""
