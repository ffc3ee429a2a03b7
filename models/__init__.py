"""Numbers in, calibrated risk per policy out; and the folder of plain files a trained model is."""
